"""Texts and names that are hard for some format or for some reader of it."""

LONG = 40_000

# fmt: off
FORMULAS = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\0=1", "'=1", "''=1", "'", "＝1", "＋1", "－1", "＠x", " =1"]
NUMBERS = [
    "0", "007", "1", "-0", "1.0", "1e3", "1E+3", ".5", "0x1F", "0o17", "0b1", "1_000", "1,000", "190:20:30", "NaN",
    ".nan", ".inf", "-.inf", "inf", "Infinity", "-Infinity", "9007199254740993", "12345678901234567890",
]
MOMENTS = ["2020-01-01", "2020-01-01T00:00:00Z", "12:30:45", "2020-01-01 00:00:00", "PT1S", "1/2", "Mar-1"]
WORDS = [
    "yes", "no", "on", "off", "y", "n", "Yes", "NO", "true", "false", "TRUE", "True", "null", "Null", "NULL", "None",
    "~", "nil", "N/A", "NA", "#N/A", "\\N", "NaT", "nan", "-", "?", ":", "undefined",
]
MARKUP = [
    "&anchor a", "*alias", "!tag a", "!!int 1", "%YAML 1.2", "---", "...", "- a", "? a", "a: b", "a #b", "# a", "<<",
    "=", "{a: b}", "[a]", "|", ">", "`", "@", "<b>&amp;</b>", "]]>", "<![CDATA[x]]>", "<!-- -->", "<?xml?>", "&lt;",
    "&#x0;", "_x0041_", "_x005F_x0041_", "_x", "_x0007_", "_xD83D_", "_x0041\x07", "_x0041_x0042_", "_x0041_\r",
    "\u00a0a", "a\u3000", "\u2003", '{"a":1}', "\\u0041", "\\", "\\\\", "\\n", "%s", "${a}", "{{a}}",
]
BLANKS = [
    "", " ", "  ", " lead", "trail ", "\t", "tab\there", "\n", "\r", "\r\n", "\n\n", "a\nb", "a\rb", "a\r\nb", "\rlead",
    "trail\n", "\u00a0", "\u3000", "\u200b", "a\n b", "a \n\n b", " \n ",
]
QUOTES = ['"', '""', '"a"', "'", "''", "'a'", 'a"b', "a'b", ",", ",,", ";", "a,b", '",\r\n"', "|", "`"]
CONTROLS = [
    "\0", "a\0b", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b[31m", "\x1f", "\x7f", "\x80", "\x85", "a\u0085b",
    "\x9f",
]
LETTERS = [
    "ü", "ß", "é", "e\u0301", "日本語", "ﷺ", "😀", "👩‍👩‍👧‍👦", "🇩🇪", "\u2028", "a\u2028b", "\u2029", "\u202e", "\ufeff",
    "a\ufeffb", "\ufffd", "\ufffe", "\uffff", "a\uffffb", "\ue000", "\ud7ff", "\U00010000", "\U0001ffff", "\U0010ffff",
    "\ufdd0",
]
LONGS = [
    "x" * LONG, "😀" * (LONG // 2), "ü" * 32_767, "y" * 32_767, "y" * 32_768, "z" * 32_761 + "😀" * 4, "\x07" * 6_000,
]
NAMES = [
    "\ufeffmark", "a b", 'quote"d', "it's", "a:b", "a,b", "1st", "xml", "XmlThing", "😀", "ü", "_x0041_", "_x",
    "line\nbreak", " lead", "trail ", "=1+1", "@a", "NULL", "yes", "<b>", "a&b", "]]>", "a\u2028b", "a\x07b",
    "a\u0085b", "null", "1", "-", "a.b", "a/b", "[a]", "\\", "é", "row", "item", "export", "key", "value", "tab\there",
    "#", "select", "Δ", "\ufffe",
]
# fmt: on

# Each of them once.
HOSTILE = list(dict.fromkeys(FORMULAS + NUMBERS + MOMENTS + WORDS + MARKUP + BLANKS + QUOTES + CONTROLS + LETTERS))
