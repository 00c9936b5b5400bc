"""Makes captioner.json: the captioner of common/model/captioner.h by PyTorch's own transformer layers, in double precision,
on padded batches: log-probabilities, entropies, the loss and every parameter's gradient. Weights, features and the loss's
coefficients are a hash of their place, which tests/unit/model/captioner_test.c computes too.

usage: make_captioner_golden.py > captioner.json        (torch, numpy)
"""
import json
import numpy as np
import torch
import torch.nn as nn

torch.set_default_dtype(torch.float64)


def noise(stream, count):
    """count values in [-0.5, 0.5), float32; noise() of captioner_test.c."""
    x = np.arange(count, dtype=np.uint64) * 2654435761 + stream * 97 + 1 & 0xFFFFFFFF
    for _ in range(2):
        x = ((x ^ x >> 16) * 0x45D9F3B) & 0xFFFFFFFF
    x = x ^ x >> 16
    return (x.astype(np.float64) / 2.0**32 - 0.5).astype(np.float32).astype(np.float64)


class Model:
    def __init__(s, c):
        s.c, s.leaf, s.order = c, {}, 0
        d = c['d_model']
        s.param('image.weight', d, c['features']); s.param('image.bias', d)
        for i in range(c['enc_layers']): s.layer('encoder.%d' % i, False)
        pre = c['norm'] == 'pre'
        if pre and c['enc_layers']: s.norm('encoder.norm')
        s.param('embedding.token', c['vocabulary'], d); s.param('embedding.position', c['positions'], d)
        s.norm('embedding.norm')
        for i in range(c['dec_layers']): s.layer('decoder.%d' % i, True)
        if pre: s.norm('decoder.norm')
        if not c['tied']: s.param('output.weight', c['vocabulary'], d)
        s.param('output.bias', c['vocabulary'])

    def param(s, name, rows, columns=1):
        x = noise(s.order, rows * columns); s.order += 1
        if columns > 1: x = x * np.float32(3 / np.sqrt(columns)).astype(np.float64)
        elif name.endswith('norm.weight'): x = x + 1
        x = torch.tensor(x.astype(np.float32).astype(np.float64)).reshape((rows, columns) if columns > 1 else rows)
        s.leaf[name] = x.requires_grad_()

    def norm(s, name): s.param(name + '.weight', s.c['d_model']); s.param(name + '.bias', s.c['d_model'])

    def layer(s, p, decoder):
        d, f = s.c['d_model'], s.c['d_ff']

        def linear(name, o, i): s.param(name + '.weight', o, i); s.param(name + '.bias', o)
        linear(p + '.self.qkv', 3 * d, d); linear(p + '.self.out', d, d); s.norm(p + '.self.norm')
        if decoder:
            linear(p + '.cross.q', d, d); linear(p + '.cross.kv', 2 * d, d); linear(p + '.cross.out', d, d)
            s.norm(p + '.cross.norm')
        linear(p + '.ff.up', f, d); linear(p + '.ff.down', d, f); s.norm(p + '.ff.norm')

    def run_layer(s, p, decoder, *args, **kw):
        c, w = s.c, s.leaf
        kind = nn.TransformerDecoderLayer if decoder else nn.TransformerEncoderLayer
        m = kind(c['d_model'], c['heads'], c['d_ff'], dropout=0.0, activation=c['activation'], batch_first=True,
                 norm_first=c['norm'] == 'pre').train()
        q = {'self_attn.in_proj_weight': w[p + '.self.qkv.weight'], 'self_attn.in_proj_bias': w[p + '.self.qkv.bias'],
             'linear1.weight': w[p + '.ff.up.weight'], 'linear1.bias': w[p + '.ff.up.bias'],
             'linear2.weight': w[p + '.ff.down.weight'], 'linear2.bias': w[p + '.ff.down.bias']}
        norms = ['self', 'cross', 'ff'] if decoder else ['self', 'ff']
        for k in ('weight', 'bias'):
            q['self_attn.out_proj.' + k] = w[p + '.self.out.' + k]
            for i, n in enumerate(norms): q['norm%d.%s' % (i + 1, k)] = w['%s.%s.norm.%s' % (p, n, k)]
            if decoder:
                q['multihead_attn.in_proj_' + k] = torch.cat([w[p + '.cross.q.' + k], w[p + '.cross.kv.' + k]])
                q['multihead_attn.out_proj.' + k] = w[p + '.cross.out.' + k]
        return torch.func.functional_call(m, q, args, kw)

    def forward(s, features, group, tokens):
        c, w = s.c, s.leaf
        ln = lambda x, n: nn.functional.layer_norm(x, x.shape[-1:], w[n + '.weight'], w[n + '.bias'])
        memory = features @ w['image.weight'].T + w['image.bias']
        for i in range(c['enc_layers']): memory = s.run_layer('encoder.%d' % i, False, memory)
        if 'encoder.norm.weight' in w: memory = ln(memory, 'encoder.norm')
        memory = memory[group]
        t = tokens.shape[1]
        x = ln(w['embedding.token'][tokens] + w['embedding.position'][:t], 'embedding.norm')
        mask = torch.full((t, t), float('-inf')).triu(1)
        for i in range(c['dec_layers']): x = s.run_layer('decoder.%d' % i, True, x, memory, tgt_mask=mask)
        if 'decoder.norm.weight' in w: x = ln(x, 'decoder.norm')
        return x @ w['embedding.token' if c['tied'] else 'output.weight'].T + w['output.bias']


def case(name, **change):
    c = dict(vocabulary=13, d_model=8, heads=2, d_ff=12, enc_layers=0, dec_layers=1, cells=5, features=6, positions=7,
             norm='post', activation='relu', tied=False, temperature=1.0)
    c.update(change)
    m = Model(c)
    group, lengths = [0, 0, 1, 3], [4, 7, 1, 3]  # image 2 has no caption
    v, total = c['vocabulary'], sum(lengths)
    ids = ((noise(900, total) + 0.5) * (v - 3)).astype(int) + 3
    inputs, targets, at = [], [], 0
    for n in lengths:
        words = [int(x) for x in ids[at:at + n]]; at += n
        inputs.append([1] + words[:n - 1]); targets.append(words[:n - 1] + [2])
    pad = lambda rows: torch.tensor([r + [0] * (max(lengths) - len(r)) for r in rows])
    features = torch.tensor(noise(901, 4 * c['cells'] * c['features']) * 4).reshape(4, c['cells'], c['features'])
    z = m.forward(features, group, pad(inputs)) / c['temperature']
    lp = z.log_softmax(-1)
    valid = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    logp = lp.gather(2, pad(targets)[..., None])[..., 0][valid]
    entropy, mean = -(lp.exp() * lp).sum(-1)[valid], lp.mean(-1)[valid]
    k = [torch.tensor(noise(910 + i, total)) for i in range(3)]
    loss = (k[0] * logp + k[1] * entropy + k[2] * mean).sum()
    loss.backward()
    number = lambda x: [float('%.9g' % float(y)) for y in x.detach().reshape(-1)]
    return dict(name=name, shape=c, group=group, lengths=lengths, inputs=sum(inputs, []), targets=sum(targets, []),
                loss=float(loss.detach()), logp=number(logp), entropy=number(entropy), mean_logp=number(mean),
                gradients={n: number(x.grad) for n, x in m.leaf.items()})


print(json.dumps([
    case('paper: post-norm, ReLU'),
    case('pre-norm, GELU, tied', norm='pre', activation='gelu', tied=True),
    case('two decoder layers, post-norm, GELU', dec_layers=2, activation='gelu'),
    case('two encoder and two decoder layers, pre-norm, ReLU', enc_layers=2, dec_layers=2, norm='pre'),
    case('an encoder layer, post-norm, tied', enc_layers=1, tied=True, heads=4),
    case('temperature 0.7', temperature=0.7),
    case('temperature 1.6, pre-norm, one head', temperature=1.6, norm='pre', heads=1),
], separators=(',', ':')).replace('},{', '},\n{'))
