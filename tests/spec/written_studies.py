"""Random texts of the language, laid out at random: valid by construction."""

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "dense", "field", "by", "then", "log", "not", "rank", "method", "of"])
PLAIN = st.sampled_from(["a", "dense", "field", "rank", "w0"])
NUMBERS = st.sampled_from(["0", "3", "20k steps", "80%", "1e-3", "4 bits", "0.5", "8/255", "2M"])
TEXTS = st.sampled_from(['"a"', '"# no comment"', r'"q\"q"', '"日本"'])
# What may stand between two tokens inside brackets, and where a line may go on.
GAPS = st.sampled_from([" ", "\n", "  ", "\n\n", "  # beside\n", "\n  # over it\n ", "#x\n"])
STRAIGHT = st.sampled_from([" ", "  ", "\t"])


@st.composite
def bracketed(draw: st.DrawFn, pair: str, item: st.SearchStrategy[str], least: int) -> str:
    items = draw(st.lists(item, min_size=least, max_size=4))
    text = pair[0] + draw(GAPS)
    for index, one in enumerate(items):
        text += one + draw(GAPS)
        text += "," + draw(GAPS) if index + 1 < len(items) else ""
    comma = "," if len(items) > 1 and draw(st.booleans()) else ""
    return text + comma + draw(GAPS) + pair[1]


@st.composite
def arguments(draw: st.DrawFn, value: st.SearchStrategy[str]) -> str:
    name = draw(st.one_of(st.just(""), NAMES, TEXTS, st.just("a.by")))
    return f"{name}: {draw(value)}" if name else draw(value)


def _operands(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    call = st.tuples(PLAIN, bracketed("()", arguments(value), 0)).map("".join)
    return st.one_of(call, bracketed("[]", value, 0), bracketed("()", value, 1))


@st.composite
def joined(draw: st.DrawFn, value: st.SearchStrategy[str]) -> str:
    operand = _operands(value)
    parts = [draw(st.one_of(operand, PLAIN, NUMBERS)) for _ in range(draw(st.integers(2, 4)))]
    mark = draw(st.sampled_from(["|", "then", "and", "or", "+", "-", "*", "/"]))
    before = draw(GAPS) if mark in ("|", "then", "and", "or") else " "
    return f"{before}{mark}{draw(GAPS)}".join(parts)


@st.composite
def two(draw: st.DrawFn, value: st.SearchStrategy[str]) -> str:
    left, right = draw(_operands(value)), draw(_operands(value))
    mark = draw(st.sampled_from(["->", "..", "==", "<", "in", "for", "log"]))
    if mark == "log":
        return f"log 1e-4 .. {right} by 3 points"
    return f"{left} {mark}{draw(GAPS)}{right}"


def _grown(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signed = st.tuples(st.sampled_from(["-", "+ ", "not "]), _operands(value)).map("".join)
    return st.one_of(_operands(value), joined(value), two(value), signed)


EXPRESSIONS = st.recursive(st.one_of(PLAIN, NUMBERS, TEXTS), _grown, max_leaves=12)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
TITLES = st.one_of(st.just(""), TEXTS.map(lambda text: f" {text}"))


@st.composite
def entries(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["axis", "axis", "pair", "repeat", "skip", "keep"]))
    value = draw(EXPRESSIONS)
    if kind == "axis":
        return f"{draw(PATHS)}:{draw(GAPS)}{value}"
    if kind == "pair":
        return f"(a.b, c): {value}"
    if kind == "repeat":
        return "repeat 3 as seed" + draw(st.sampled_from(["", " vary init,\n batches"]))
    return f"{kind} {value}" + draw(st.sampled_from(["", ' because "why"', '\n because "b"']))


@st.composite
def blocks(draw: st.DrawFn) -> str:
    word = draw(st.sampled_from(["grid", "search", "profile"]))
    inner = draw(st.lists(entries(), max_size=4))
    ends = st.sampled_from([";", "\n", " # beside\n", "\n\n\n", "\n# over\n", " ; "])
    # A declaration word in the first column would start a declaration.
    text = "".join(f"  {entry}{draw(ends)}" for entry in inner)
    return f"{word} g{draw(TITLES)} {{{draw(ends)}{text}}}"


@st.composite
def claims(draw: st.DrawFn) -> str:
    clauses = ["where a == b", "over every a, b.c", "paired by seed", "at 95%", 'source: "a"']
    kept = draw(st.lists(st.sampled_from(clauses), unique=True))
    text = f"claim c{draw(TITLES)}:{draw(GAPS)}{draw(EXPRESSIONS)}"
    return text + "".join(f"{draw(GAPS)}{clause}" for clause in kept)


@st.composite
def declarations(draw: st.DrawFn) -> str:
    """One declaration and its newlines, with a comment here and there."""
    kind = draw(st.sampled_from(["let", "method", "grid", "claim", "report", "budget"]))
    over = draw(st.sampled_from(["", "# over\n", "\n# far\n\n", "#! odd\n"]))
    ends = st.sampled_from(["\n", "\n\n", "  # beside\n", "\n\n\n# behind\n"])
    if kind == "let":
        text = f"let{draw(STRAIGHT)}x{draw(TITLES)} ={draw(GAPS)}{draw(EXPRESSIONS)}"
    elif kind == "method":
        parameters = draw(st.sampled_from(["", "(a)", "(rank: 8, b: 1 | 2)", "( a: 3 ,# p\n b)"]))
        text = f"method m{parameters}{draw(TITLES)} = {draw(EXPRESSIONS)}"
    elif kind == "report":
        text = "report {\n" + "\n".join(draw(st.lists(EXPRESSIONS, max_size=3))) + "\n}"
    elif kind == "budget":
        text = f"budget 30 min,{draw(GAPS)}4 GiB"
    else:
        text = draw(blocks() if kind == "grid" else claims())
    return over + text + draw(ends)
