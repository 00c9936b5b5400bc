"""What leaves troupe, read by the tools it is meant for: weights by safetensors and PyTorch, the graph by onnx and ONNX Runtime (both:
log-probabilities of captions to 1e-5), checkpoints and datasets by h5py, COCO results by pycocotools, event files of a run that was stopped and resumed by tensorboard. Trains a tiny captioner on drawn pictures first.

usage: interop.py        (torch, safetensors, onnx, onnxruntime, h5py, pycocotools, tensorboard; BUILD) Run by `make check-interop`.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TROUPE = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "bin", "troupe")
sys.path.insert(0, os.path.join(ROOT, "deploy", "interop"))
LENGTH = 20
failures = 0


def check(what, good):
    global failures
    failures += not good
    print("%-7s %s" % ("ok" if good else "FAILED", what))


def troupe(*words):
    return subprocess.run([TROUPE, *map(str, words)], check=True, capture_output=True, text=True).stdout


def captioners(folder, checkpoint):
    """Name, captioner and how it takes a picture's features, of each that reads what troupe exports."""
    import torch
    import troupe_torch
    weights, graph = os.path.join(folder, "best.safetensors"), os.path.join(folder, "best.onnx")
    troupe("export", checkpoint, "--safetensors", weights, "--onnx", graph)
    yield "safetensors, PyTorch", troupe_torch.Captioner(weights), torch.tensor
    try:
        import onnx
        import troupe_onnx
    except ImportError as missing:
        return print("SKIPPED onnx: %s (pip install onnx onnxruntime)" % missing)
    onnx.checker.check_model(graph, full_check=True)
    yield "onnx, ONNX Runtime", troupe_onnx.Captioner(graph), lambda features: features


def log_probabilities(folder, data, checkpoint, name, captioner, take):
    import h5py
    pictures = sorted(glob.glob(os.path.join(folder, "scenes/Images/*.jpg")))[:40]
    with h5py.File(data) as file:
        row = {name.decode() if isinstance(name, bytes) else name: i for i, name in enumerate(file["image/file"][:])}
        grid = {p: take(file["features"][row[os.path.basename(p)]].astype("float32")) for p in pictures}
    worst, captions, greedy = 0, 0, 0
    for samples in (), ("--samples", 3):
        for picture in json.loads(troupe("caption", checkpoint, *pictures, "--json", *samples)):
            for caption in picture["captions"]:
                ids = captioner.ids(caption["caption"])[:LENGTH]  # one that was cut at the limit has no end token
                ours = sum(map(float, captioner.log_probs(grid[picture["image"]], ids)))
                worst = max(worst, abs(ours - caption["logp"]) / max(1, abs(caption["logp"])))
                captions += 1
            if not samples:
                greedy += captioner.caption(grid[picture["image"]]) == picture["captions"][0]["caption"]
    check("%s: log-probabilities of %d captions, largest relative difference %.1e" % (name, captions, worst), worst <= 1e-5)
    check("%s: %d of %d greedy captions are the same" % (name, greedy, len(pictures)), greedy == len(pictures))


def checkpoint_by_h5py(checkpoint):
    import h5py
    import safetensors
    with h5py.File(checkpoint) as file, safetensors.safe_open(os.path.join(os.path.dirname(checkpoint), "../../best.safetensors"), "np") as exported:
        same = all((file["weights/" + name][:] == exported.get_tensor(name)).all() for name in exported.keys())
        check("h5py: a %s of %d tensors equals its export" % (file.attrs["format"].decode(), len(exported.keys())), same)


def tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(run)
    events.Reload()
    lines = [json.loads(line) for line in open(os.path.join(run, "metrics.jsonl"))]
    wrong = 0
    for name in events.Tags()["scalars"]:
        told = [(line["iteration"], line[name]) for line in lines if isinstance(line.get(name), (int, float))]
        seen = [(e.step, e.value) for e in events.Scalars(name)]
        wrong += [s for s, _ in told] != [s for s, _ in seen] or any(abs(a - b) > 1e-6 * max(1, abs(a)) for (_, a), (_, b) in zip(told, seen))
    check("tensorboard: %d scalars of %d steps, %d of them otherwise than in metrics.jsonl" % (len(events.Tags()["scalars"]), len(lines), wrong),
          wrong == 0 and len(events.Tags()["scalars"]) > 5)


def coco_results(folder, data, checkpoint):
    from pycocotools.coco import COCO
    results, annotations = os.path.join(folder, "results.json"), os.path.join(folder, "annotations.json")
    troupe("evaluate", checkpoint, "--data", data, "--split", "val", "--out", results)
    found = json.load(open(results))
    ids = sorted({entry["image_id"] for entry in found})
    json.dump({"images": [{"id": i} for i in ids], "annotations": [{"id": n, "image_id": i, "caption": "a"} for n, i in enumerate(ids)],
               "info": {}, "type": "captions", "licenses": []}, open(annotations, "w"))
    loaded = COCO(annotations).loadRes(results)
    check("pycocotools: loadRes takes %d captions" % len(found), len(loaded.getImgIds()) == len(found) > 0)


def main():
    with tempfile.TemporaryDirectory() as folder:
        scenes, data, run = (os.path.join(folder, name) for name in ("scenes", "scenes.h5", "run"))
        troupe("scenes", scenes, "--images", 200)
        splits = [word for split in ("train", "val") for word in ("--split", "%s=%s/%s.txt" % (split, scenes, split))]
        troupe("prepare", "--images", scenes + "/Images", "--captions", scenes + "/captions.txt", *splits, "--float32", "--out", data)
        config = os.path.join(folder, "config.yaml")
        for model in "norm: post", "norm: pre, activation: gelu, enc_layers: 1, dec_layers: 2, tied: true":
            with open(config, "w") as file:
                file.write("data: {file: %s}\nmodel: {d_model: 64, heads: 4, d_ff: 128, %s}\npretrain: {epochs: 3, batch_images: 16}\n" % (data, model))
            subprocess.run(["rm", "-rf", run])
            troupe("pretrain", config, "--set", "run.dir=" + run)
            for reader in captioners(folder, run + "/checkpoints/best.h5"):
                log_probabilities(folder, data, run + "/checkpoints/best.h5", *reader)
        with open(config, "a") as file:
            file.write("policy: {init: %s/checkpoints/best.h5, images_per_iteration: 32, iterations: 6}\ncheckpoint: {every: 1}\nevaluation: {every: 2}\n" % run)
        train = [TROUPE, "train", config, "-n", "1", "--set", "run.dir=" + run + "/train"]
        stopped = subprocess.Popen(train, stderr=subprocess.DEVNULL)
        metrics = run + "/train/metrics.jsonl"
        while not (os.path.exists(metrics) and len(open(metrics).readlines()) > 3) and stopped.poll() is None:
            time.sleep(0.02)
        stopped.terminate()
        stopped.wait()
        subprocess.run(train, check=True, capture_output=True)  # goes on: another event file
        tensorboard(run + "/train")
        tensorboard(run)
        checkpoint_by_h5py(run + "/checkpoints/best.h5")
        coco_results(folder, data, run + "/checkpoints/best.h5")
    sys.exit(failures > 0)


main()
