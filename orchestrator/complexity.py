"""How complex a request is, by its words alone: known before any model is asked, and the same each time."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Rule = Literal["work", "complex_work", "simple_things", "simple_characters", "files"]
"""What makes a request complex. Those that are settings have their names."""

_UP_TO = r"(?:\W+\w+){0,4}?\W+"  # some words between a verb and what it is about
_REVIEWED = r"(?:architecture|architektur|design|entwurf|code\s?base|codebasis|code|schema|pull request)"
_CODE = (
    r"(?:(?<!qr )(?<!zip )(?<!dress )(?:code|quellcode)|scripts?|skripte?|programm?s?|programme|functions?"
    r"|funktion(?:en)?|class(?:es)?|klassen?|apis?|apps?|modules?|modul|unit tests?|sql|regex|parsers?|components?"
    r"|komponenten?|websites?|webseiten?)"
)
KINDS: Mapping[str, Sequence[str]] = {  # of work that is complex, and how people ask for it (FEATURES row 32)
    "research": (
        r"^(?:research|investigate|recherchier\w*|erforsche?)\b",
        r"\b(?:do|conduct|carry out|perform) (?:\w+ ){0,2}?(?:research|investigation)\b",
        r"\b(?:literature|market) (?:review|search|research|analysis|study)\b|\bdeep dive\b",
        r"\b(?:recherchieren|recherchierst|\w*recherche|erforschen|marktanalyse|literaturübersicht|literatursuche)\b",
    ),
    "code generation": (
        r"^(?:implement|refactor|debug|implementier\w*|programmier\w*|refaktorier\w*)\b",
        rf"^(?:write|generate|create|develop|build|program|code)\b{_UP_TO}{_CODE}\b",
        rf"^(?:schreib|erstell|generier|entwickl|bau)\w*\b{_UP_TO}{_CODE}\b",
        rf"\b{_CODE}\b{_UP_TO}(?:schreiben|erstellen|generieren|entwickeln|programmieren|implementieren)$",
    ),
    "architecture review": (
        rf"^(?:review|assess|critique|audit|evaluate)\b{_UP_TO}{_REVIEWED}\b",
        rf"\b{_REVIEWED} (?:review|audit)\b|\bsystem design\b|\bsecurity audit\b",
        rf"^(?:prüf|bewert|begutacht|beurteil)\w*\b{_UP_TO}\w*{_REVIEWED}\b",
        rf"\b\w*{_REVIEWED}\b{_UP_TO}(?:prüfen|bewerten|begutachten|beurteilen)$",
    ),
}
WAYS = {kind: [re.compile(way) for way in ways] for kind, ways in KINDS.items()}
_VERBS = (
    "add analyse analyze answer arrange ask assess audit book build buy calculate call cancel change check choose "
    "collect compare compile compute convert copy count create critique debug decide delete describe design determine "
    "develop discover display download draft draw email estimate evaluate examine explain explore export extract fetch "
    "figure fill filter find fix forecast forward generate get give identify implement inform inspect install "
    "investigate let list locate look make mark measure merge move notify obtain open order organise organize perform "
    "plan play post predict prepare present print program provide publish pull query read recommend record refactor "
    "remind remove rename rent replace reply report request research reserve retrieve review revoke rewrite run save "
    "schedule search select sell send set share show simulate solve sort start stop store submit suggest summarise "
    "summarize sum tell test track train transfer translate turn update upload validate verify visualise visualize "
    "watch write"
)
_STEMS = (  # of German verbs: "such" in suche, such, suchen, heraussuchen
    "aktualisier analysier änder beantwort benachrichtig berechn bestell bewert buch check druck empfehl entwickl "
    "erinner erklär erstell fass filter find füg generier hol implementier informier installier kauf konvertier kopier "
    "lad les list lösch mach mess nenn öffn ordn plan programmier prüf rechn recherchier reservier sag schätz schick "
    "schreib send sortier speicher start stell such teil trag übersetz untersuch vergleich verschieb veröffentlich "
    "wandl zähl zeig zusammenfass"
)
_IRREGULAR = "gib lies sieh empfiehl miss ruf"
_STEM = "|".join(_STEMS.split())
ASKS = re.compile(
    rf"(?:{'|'.join(_VERBS.split())}|(?:{_STEM})(?:e|t|en)?|{'|'.join(_IRREGULAR.split())})\b(?! (?:is|are|was|ist)\b)"
)
INFINITIVE = re.compile(rf"\w*(?:{_STEM})e?n")  # a German infinitive
QUESTION = re.compile(
    r"(?:what|where|when|who|whose|which|why|how|is|are|do|does|did|was|were|has|have|will|should"
    r"|wo|wann|wer|wem|wie|warum|wieso|welche\w*|wieviel\w*|ist|sind|hat|gibt)\b"
)
NEXT_QUESTION = re.compile(r"(?:what|how|why|wie|wann|warum)\b")
ORDER = re.compile(  # what stands before a further thing
    r"(?:then|also|after (?:that|this)|afterwards|next|finally|lastly|additionally|furthermore|moreover|besides"
    r"|first(?:ly)?|second(?:ly)?|third(?:ly)?|fourth(?:ly)?"
    r"|dann|danach|anschließend|außerdem|zuerst|zuletzt|zum schluss|schließlich|ferner)\b[\s,:]+"
)
FILLER = re.compile(
    r"(?:and|please|kindly|just|so|ok|hi|hello|hey|(?:can|could|would|will) you|help me(?: to)?|help|be able to"
    r"|(?:i|we)(?: would|'d)? (?:also )?(?:like|want|need|wish)(?: you)? to"
    r"|(?:i|we) (?:need|want)(?: your| some)? (?:help|assistance) (?:to|with|in)"
    r"|bitte|kannst du|könntest du|können sie|könnten sie|auch|noch|mal|und|hallo)\b[\s,:]*"
)
QUOTED = re.compile(r"""(?<=\s)(?:"[^"]*"|[“„«][^”“»„«]*[”“»]|'[^']*'(?=[\s.,;:?!)]|$)|`[^`]*`)""")
SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
CLAUSE = re.compile(r",\s*|\s+(?:and|then|und|dann|sowie)\s+|:\s+")
ITEM = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)]|\(?[a-h]\))\s+\S", re.MULTILINE)
LEAST_WORDS = 3  # of a clause behind a word of order that is a thing of its own, whatever its verb


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a request is held to be, and why in words, by the name of each rule. A simple one has no reasons."""

    reasons: Mapping[Rule, str]

    @property
    def is_simple(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Complexity:
    """Where complex begins: requests for more than so many `things`, of more `characters`, with files, or for work of
    some kinds. `further` are words for more kinds: a word of the request need only begin with one of them.
    """

    things: int = 3  # FEATURES row 32 counts hand-overs
    characters: int = 400  # chosen on one half of the requests of benchmarks/complexity.py, 2026-11
    further: tuple[str, ...] = ()

    def judged(self, text: str, *, files: int = 0) -> Judgement:
        """The judgement of a request with so many files."""
        return Judgement(dict(self._reasons(text, files)))

    def _reasons(self, text: str, files: int) -> Iterator[tuple[Rule, str]]:
        if kinds := kinds_in(text):
            yield "work", f"it asks for {', '.join(kinds)}"
        if words := [each for each in self.further if re.search(rf"(?i)\b{re.escape(each)}", text)]:
            yield "complex_work", f"it is about {', '.join(words)}"
        if (things := things_in(text)) > self.things:
            yield "simple_things", f"it asks for {things} things, more than {self.things}"
        if len(text) > self.characters:
            yield "simple_characters", f"it has {len(text):,} characters, more than {self.characters:,}"
        if files:
            yield "files", "files came with it"


USUAL = Complexity()


def kinds_in(text: str) -> list[str]:
    """The kinds of complex work that a text asks for."""
    clauses = [each for sentence in _sentences(text) for each in (_begun(sentence)[0], *_clauses(sentence))]
    return [kind for kind, ways in WAYS.items() if any(way.search(clause) for way in ways for clause in clauses)]


def things_in(text: str) -> int:
    """How many things a text asks for: its list items, or its clauses with a verb of their own if they are more."""
    return max(sum(map(_things, _sentences(text))), len(ITEM.findall(text)), 1)


def _things(sentence: str) -> int:
    """How many clauses of a sentence ask for something. A word of order alone says that its first one does."""
    begun, is_ordered = _begun(sentence)
    first, *others = _clauses(begun)
    asking = _asks(first, QUESTION) + sum(_asks(clause, NEXT_QUESTION) for clause in others)
    return asking or int(is_ordered and len(begun.split()) >= LEAST_WORDS)


def _asks(clause: str, question: re.Pattern[str]) -> bool:
    words = clause.split()
    return bool(ASKS.match(clause) or question.match(clause) or (words[1:] and INFINITIVE.fullmatch(words[-1])))


def _sentences(text: str) -> list[str]:
    """The sentences in small letters. What stands in quotes is data, and asks for nothing."""
    return SENTENCE.split(QUOTED.sub("…", text.lower()))


def _clauses(sentence: str) -> list[str]:
    return [_begun(part)[0] for part in CLAUSE.split(_begun(sentence)[0])]


def _begun(clause: str) -> tuple[str, bool]:
    """The clause from its verb on, and whether a word of order stood before it."""
    clause, is_ordered = clause.strip(" \t\"'*-•.!?;()"), False
    while found := ORDER.match(clause) or FILLER.match(clause):
        is_ordered = is_ordered or found.re is ORDER
        clause = clause[found.end() :]
    return clause, is_ordered
