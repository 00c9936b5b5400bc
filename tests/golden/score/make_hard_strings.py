#!/usr/bin/env python3
"""Hard strings for the tokeniser: everything that captions, and people, put into text.

Usage: make_hard_strings.py [--count N] [--seed S] [--golden]. Prints N lines; with --golden writes hard_strings.json here:
2,000 lines with the words that Stanford's PTBTokenizer gives as pycocoevalcap 1.2 calls it.
"""
import argparse
import random

NOUNS = """dog dogs boy girl man men woman women child children bird horse beach snow water street car bike ball park grass
tree hill fence shirt hat team player skier surfer climber crowd people group couple baby teenager bicyclist lake river
mountain rock field road building stairs bench table camera frisbee skateboard motorcycle kayak sprinkler playground""".split()
VERBS = """runs jumps sits stands plays looks walks rides holds wears throws catches swims climbs smiles waits running
jumping sitting standing playing looking walking riding holding wearing throwing""".split()
SMALL = "a an the in on at of with by over near and or to from his her their its two three is are while".split()
ADJECTIVES = "red blue brown young old little big wet muddy happy white black-and-white long-haired two-story".split()
CONTRACTIONS = """don't doesn't didn't can't won't isn't aren't wasn't weren't couldn't shouldn't wouldn't hasn't haven't ain't
shan't mustn't needn't mightn't it's he's she's that's there's what's who's let's I'm I've I'd I'll you're you've you'd you'll
we're we've they're they'll they'd cannot gonna gotta wanna gimme lemme 'tis 'twas y'all o'clock ma'am rock'n'roll d'you
could've should've would've who'd how's where's ol' 'em 'til 'cause 'n' dunno whaddya more'n c'mon nothin' goin' somethin'
n't 's 'll whatcha kinda sorta cause""".split()
POSSESSIVES = """dog's dogs' boy's boys' James's James' Chris' women's children's mother's '90s 80's 1990's '08 1920s X's
Jones's boss's U.S.'s TV's ref's kids'""".split()
ABBREVIATIONS = """Mr. Mrs. Ms. Dr. Prof. St. Jr. Sr. Inc. Corp. Co. Ltd. Bros. etc. e.g. i.e. vs. cf. approx. U.S. U.K. U.S.A.
a.m. p.m. A.M. P.M. No. no. Fig. fig. pp. Jan. Feb. Mar. Apr. Aug. Sept. Oct. Nov. Dec. Mon. Tues. Wed. Thurs. Fri. Sat. Sun.
Calif. Mass. Pa. Va. Wash. Ave. Blvd. Rd. ft. in. lb. oz. Gen. Sgt. Lt. Col. Capt. Rev. Gov. Sen. Rep. Ph.D. M.D. B.A. Ph.D
D.C. L.A. N.Y. a.k.a. J.R.R. T.V. Mt. Ft. dept. Dept. Univ. est. Est. al. et vol. Vol. ed. Ed. Esq. Hon. Pres. Supt.""".split()
HYPHENS = """T-shirt t-shirt X-ray e-mail mid-air black-and-white two-year-old 3-year-old four-wheel-drive co-op re-enter
semi-- --pro -left right- a-b-c 10-20 1990-95 555-1234 555-123-4567 1-800-555-0199 U.S.-based anti-U.S. non-stop
kick-off F-16 B-52 Coca-Cola Spider-Man e-mails pre-1990 mid-1990s 20-something - -- --- ---- ----- dog--cat dog-cat
well-dressed. half-time, 12-foot-high A-frame I-95 20x30 3-D 2-3""".split()
SLASHES = """and/or he/she his/her 24/7 w/o w/ c/o n/a N/A km/h mph/kph AC/DC 9/11 11/22/2013 2013/11/22 1/2 3/4 12/25 black/white
TCP/IP in/out/up a/b/c/d /home/user path/to/file.txt red/blue/green/white yes/No dog/ /cat / // 50/50 him/herself""".split()
NUMBERS = """1 2 10 100 1,000 1,000,000 10,00 1000 3.14 .5 0.5 -5 +5 -0.5 +1.5 1st 2nd 3rd 4th 21st 100th 1e5 1E-5 0x1F 007
50% 99.9% 5% #1 #23 No.5 no.1 1. 2) (3) 1.2.3 192.168.0.1 1,2,3 5,5 10.000,50 3D 4x4 2x 10k 5K 100m 6ft 6'2" 5'10" 7" 12"
5-10 1:2 16:9 one-half twenty-one II XIV IV. VIII +1-800 (555)555-1234 (555) 555-1234 555.123.4567 1/2-mile 2.5-inch""".split()
FRACTIONS = "1/2 1/4 3/4 1/3 2/3 11/2 1-1/2 12-3/8 ½ ¼ ¾ 1½ 2¼ ⅓ ⅔ ⅛ ⅜ ⅝ ⅞ 5⅛ 1\u00a01/2 2\u00a03/4 1⁄2".split(" ")
MONEY = """$5 $5.00 $1,000 $.50 $ 5 US$5 C$5 A$ HK$100 NZ$20 $5m $3bn €5 5€ €5,50 £5 £1,000 5p 5¢ ¢ ¥100 100¥ ₤5 ₹500 ₩1000 $$ $$$
Rs. USD 20USD 5$ #5 ¤5 $-5 -$5""".split()
TIMES = """10:30 10:30am 10:30a.m. 10:30 a.m. 5pm 5 p.m. 12:00:00 7:05 24:00 3h 9-to-5 6:30-7:00 10h30 07:45PM 1:23.45
2013-11-22 22.11.2013 Nov. 22, 2013 22nd July4 1960's mid-60s 10.30pm""".split()
URLS = """http://example.com https://www.example.org/a/b.html www.example.com http://a.b/c?d=e&f=g#h example.com example.org/x
ftp://ftp.example.net/pub http://example.com. (http://example.com) http://example.com/a_(b) Example.COM/Foo flickr.com
youtube.com/watch?v=abc example.co.uk www.a-b.net/~user http://192.168.0.1:8080/ HTTP://X.Y http:// https amazon.com's
file.txt image.jpg node.js index.html a.b .com .net""".split()
EMAILS = """a@b.com john.doe@example.com john_doe@example.co.uk me+tag@example.org @home @user_name user@host <a@b.com>
mailto:a@b.com a@b a@ @ @@ a@b.c.d.e #hashtag #1fan @1 x@y@z no@reply. first-last@ex-ample.com 50@5 @_x #_x #a_b""".split()
QUOTES = """'a' "a" ``a'' `a' ‘a’ “a” «a» ‹a› „a“ ‚a‘ ''a'' """.split() + """'dog "dog dog' dog" '' "" ``
` ' " “ ” ‘ ’ « » ‹ › „ ‚ ‛ ′ ″ '" "' 'tis' "'Hello'" 's 't 'd don’t it’s dogs’ ’tis ’90s rock’n’roll O’Brien o’clock
'''a''' "a." "a," a." 'a,' 'Twas ''' ´a´ l'eau d'art O'Neil's 'bout '60s.""".split()
BRACKETS = """(a) [a] {a} <a> (a [a {a a) a] a} <a a> () [] {} <> (( )) [[ ]] (a)b a(b) [1] {2} (s) dog(s) -lrb- -LRB- <b> </b> <br/>
<a href="x"> ⟨a⟩ 「a」 （a） 【a】 <3 >:( <- -> => <= >= >> << <<a>> <!-- --> &lt;b&gt; <p> <html> <DOG> <a b>""".split()
ELLIPSES = ".. ... .... ..... . . . … a... ...a a...b a… …a a…b a.. dog.... ,... ...? …! . .. . . ! ? !? ?! !! ??? !!! ,, ;; ::".split(" ")
SIGNS = """& &amp; &quot; &nbsp; &apos; &#39; &eacute; + = * ** *** _ __ ___ # ## ^ ~ ~~ | || \\ \\\\ % @ © ® ™ ° 45° 20°C § ¶ † ‡ • · ¡
¿ × ÷ ± µ º ª ¬ ¦ ¨ ¯ ¸ ¹ ² ³ m² ← → ↑ ★ ☆ ♥ ♪ ✓ ✔ – — ― ‒ ‐ a–b a—b 10–20 - — - a — b ∞ ≤ ≥ ≠ √ ∑ π Ω ▲ █ AT&T Q&A R&B H&M
A&E B&B&B a&b &c C++ C# F# .NET J++ a*b a=b a+b a_b snake_case_word __init__ ~5 5~6 a~b a|b ^_^ -_- :) :-) ;) :( :-( :D :P
=) 8) :-/ :3 <3 XD :'( :] (: xD D: ;-) :o :O :@ :* 2:0 *smile* _emphasis_ a: b; c, d! e?""".split()
UNICODE = """café naïve Zürich crème brûlée São Paulo Ñandú El niño jalapeño ÉCOLE ÀÉÎÕÜ ÇA façade Øresund smörgåsbord Łódź ČESKÝ
Český ŠKODA İstanbul IŞIK ırmak Straße STRASSE ẞ ﬁne œuvre ŒUVRE Ærø ǅ ǈ Ǆ Ǉ ΑΒΓ αβγ ΣΟΦΟΣ σοφός Ωμέγα ΆΈΉ ΊΌΎΏ ΪΫ ϒ ϓ
МОСКВА Москва москва ЁЖ Їжак ЄВРО ЎЗБЕК ЂЈЉЊЋЏ Ґанок Ѳита Ӂ Ӑ Ԁ ԱՐԵՎ Արեվ ეს ᲐᲑ Ⴀ Ḁ ḁ Ạ ạ Ế ế Việt ĐÀ ĐẦY ệ Ὀδυσσεύς ᾈ ᾼ ῼ Ⅷ ⅷ Ⓐ
Ａｂｃ ＡＢＣ １２３ שלום مرحبا नमस्ते สวัสดี 日本語 日本 语言 東京タワー カタカナ ひらがな 한국어 汉字。 、 。 ！ ？ ・ 「東京」 １０％ Ɓ Ɔ Ɖ Ə Ɛ Ɣ Ɨ Ɯ Ʃ Ʒ
Ⱥ Ƚ Ɂ Ⲁ Ⴑ Ꙁ Ꚁ Ꜣ Ꞌ Ɥ K Å Ω café's ZÜRICH'S Ünïcödé-wörd é É ñ Ñ e\u0301 E\u0301 n\u0303o Ǻ ǖ Ǘ Ȁ Ȳ Ƞ ȴ Ϸ Ϻ Ͻ Ѡ Ѿ Ҁ Ӏ ӏ ӽ Ӽ Ԥ""".split()
EMOJI = """😀 😂 🐶 🐕‍🦺 👨‍👩‍👧 👍🏽 ❤️ ❤ ☀️ ☃ ⚽ 🏀 🇺🇸 🎉 🏄‍♂️ a😀b dog🐶 🐶dog 😀😀 ✈️ ☎ ♿ 1️⃣ 🔥! ☺ ☹ 🎂. 𝒜 𝟙 𠀀 😀's 😀.""".split()
SPACES = ["\u00a0", "\u2003", "\u2009", "\u3000", "\u200b", "\u202f", "\u2060", "\ufeff", "\u00ad", "\u200d"]
KINDS = [CONTRACTIONS, POSSESSIVES, ABBREVIATIONS, HYPHENS, SLASHES, NUMBERS, FRACTIONS, MONEY, TIMES, URLS, EMAILS, QUOTES,
         BRACKETS, ELLIPSES, SIGNS, UNICODE, EMOJI]
ENDS = ["", "", "", ".", " .", "!", "?", "...", "…", "!!", "?!", ",", ";", ":", ".\"", "\".", ".'", ".)", ").", " ."]


def plain(rng):
    return rng.choice(rng.choice([NOUNS, NOUNS, VERBS, SMALL, SMALL, SMALL, ADJECTIVES]))


def wrap(rng, word):
    left, right = rng.choice([("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"),
                              ("``", "''"), ("«", "»"), ("*", "*"), ("_", "_"), ("(", ""), ("", ")"), ('"', ""), ("", '"')])
    return left + word + right


def recase(rng, word):
    return rng.choice([str.upper, str.lower, str.capitalize, str.title])(word)


def item(rng, kind):
    word = rng.choice(kind)
    if rng.random() < 0.12:
        word = recase(rng, word)
    if rng.random() < 0.12:
        word = wrap(rng, word)
    if rng.random() < 0.10:
        word += rng.choice([",", ".", ";", ":", "!", "?", "'s", "'", '"', "-", "/", "...", ")", "’s"])
    return word


def line(rng):
    """A caption with one or more hard items in it."""
    style = rng.random()
    main = rng.choice(KINDS)
    words = [plain(rng) for _ in range(rng.randint(0, 9))]
    for _ in range(rng.randint(1, 3)):
        words.insert(rng.randint(0, len(words)), item(rng, main if rng.random() < 0.7 else rng.choice(KINDS)))
    if style < 0.06:  # glued together
        at = rng.randrange(len(words))
        words[at:at + 2] = ["".join(words[at:at + 2])]
    elif style < 0.10:  # numbers and letters of one's own
        words.append("".join(rng.choice("aAbBxX019.,'-/:$%") for _ in range(rng.randint(2, 7))))
    elif style < 0.12:
        words.append("".join(chr(rng.choice([rng.randint(0xA1, 0x24F), rng.randint(0x370, 0x52F), rng.randint(0x1E00, 0x1FFF),
                                             rng.randint(0x2010, 0x2BFF)])) for _ in range(rng.randint(1, 3))))
    if words and rng.random() < 0.5:
        words[0] = words[0][:1].upper() + words[0][1:]
    text = ""
    for i, word in enumerate(words):
        text += ("" if not i else rng.choice(SPACES) if rng.random() < 0.01 else "  " if rng.random() < 0.02 else " ") + word
    return (text + rng.choice(ENDS)).translate({0x2028: 32, 0x2029: 32, 0x85: 32})


def lines(count, seed=1):
    rng = random.Random(seed)
    return [line(rng) for _ in range(count)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--golden", action="store_true")
    options = parser.parse_args()
    if options.golden:
        import make_goldens
        hard = lines(2000, options.seed)
        make_goldens.write("hard_strings.json", {"captions": make_goldens.tokenized(hard)})
    else:
        print("\n".join(lines(options.count, options.seed)))
