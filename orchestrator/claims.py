"""Claims of actions in an answer, and whether something that really ran bears them out. Deterministic.

A model says "I have sent the mail" also where it has sent nothing. A needless correction makes a true answer look
false, so in doubt a sentence is let through: conditions, questions, quotations, drafts, and what was done earlier.
English and German.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SHOWN = 120  # characters of a claim that are quoted back
LONGEST = 400  # characters: nobody claims anything in a longer sentence, and patterns take their time over it
READ = 2_000  # characters of a result in which support is looked for


@dataclass(frozen=True, slots=True)
class Deed:
    """A step that is done: the words by which its tool is known, and what came back. `harmless` changed nothing."""

    tool: str
    description: str = ""
    result: str = ""
    harmless: bool = False

    @property
    def words(self) -> str:
        """Everything that may tell what was done. A search that finds a word has not done what the word says."""
        return self.tool if self.harmless else f"{self.tool} {self.description} {self.result[:READ]}"


@dataclass(frozen=True, slots=True)
class Action:
    """A kind of action, all in patterns: the forms in which it is claimed and asked for, and the beginnings of words
    by which its tools are known. A claim is one only together with `of`, and never together with `not_of`."""

    claimed: str
    asked: str
    tools: str
    of: str = ""
    not_of: str = r"$^"


ACTIONS = (
    Action(
        claimed=r"sent|e-?mailed|mailed|texted|messaged|notified|forwarded|gesendet|geschickt|verschickt|abgeschickt|"
        r"versendet|versandt|benachrichtigt|weitergeleitet",
        asked=r"send(?! me (?!an? (?:e-?mail|mail|message|text)))|e-?mail|mail|text|message|notify|forward|"
        r"(?:ver|ab)?schick\w*|(?:ver)?send\w*|benachrichtig\w*",
        tools="send|sent|mail|email|messag|notif|forward|deliver|sms|text|telegram|slack|chat|repl|post|submit|publish|"
        "share|invit|schick|nachricht",
    ),
    Action(
        claimed="booked|reserved|gebucht|reserviert",
        asked=r"book|reserve|buch(?:e|en)?|reservier\w*",
        tools="book|reserv|ticket|appoint|order|flight|hotel|table|schedul|event|calendar|purchas|buch",
    ),
    Action(
        claimed="ordered|purchased|bought|placed (?:an|the|your) order|bestellt|gekauft",
        asked=r"order(?! of| by)|purchase|buy|bestell\w*|kauf\w*",
        tools="order|purchas|buy|checkout|cart|shop|book|pay|bestell|kauf",
        not_of=r"\b(?:by|alphabetical\w*|ascending|descending|lists?|items|steps)\b",
    ),
    Action(
        claimed="paid|transferred|wired|refunded|bezahlt|überwiesen|erstattet",
        asked=r"pay|transfer|wire|refund|bezahl\w*|überweis\w*|erstatt\w*",
        tools="pay|paid|transfer|wire|refund|bank|charg|invoic|order|purchas|überweis|zahl",
        not_of=r"paid attention",
    ),
    Action(
        claimed="scheduled|rescheduled|invited|eingeladen|eingetragen|vereinbart",
        asked=r"(?:re)?schedule|invite|remind|trag|vereinbar\w*|erinner\w*",
        tools="schedul|calendar|event|meeting|appoint|invit|book|remind|alarm|timer|cron|task|termin|kalender",
        not_of=r":$",
    ),
    Action(
        claimed="cancell?ed|unsubscribed|deleted|storniert|abgesagt|gekündigt|gelöscht",
        asked=r"cancel|unsubscribe|delete|stornier\w*|kündig\w*|lösch\w*",
        tools="cancel|unsubscri|delet|remov|clear|drop|eras|purg|trash|storn|lösch",
        not_of=r":$|\b(?:words?|sentences?|lines?|paragraphs?|typos?|text|terms?|w(?:o|ö)rter|wort|s(?:a|ä)tze?)\b",
    ),
    Action(
        claimed="posted|published|uploaded|submitted|deployed|installed|gepostet|veröffentlicht|hochgeladen|"
        "eingereicht|installiert",
        asked=r"post|publish|upload|submit|deploy|install|veröffentlich\w*|lade|installier\w*",
        tools="post|publish|upload|submit|deploy|install|send|share|push|tweet|releas|writ|creat|put|file",
    ),
    Action(
        claimed="created|added|set|set up|saved|updated|removed|changed|moved|angelegt|erstellt|hinzugefügt|gestellt|"
        "geändert|verschoben",
        asked=r"create|add|set|save|update|remove|change|move|remind|erstell\w*|stell\w*|füg\w*|änder\w*|verschieb\w*",
        tools="creat|add|set|sav|updat|remov|chang|mov|remind|alarm|timer|event|calendar|meeting|ticket|account|order|"
        "book|contact|insert|regist|stor|put|writ|schedul|termin",
        of=r"(?:event|appointment|meeting|calendar|reminder|alarm|timer|ticket|account|order|booking|reservation|"
        r"contact|subscription|cart|invitation|termin|kalender|erinnerung|wecker|konto|kontakt|bestellung|buchung)",
        not_of=r":$|\b(?:list|table|text|code|function|class|draft|plan|example)\b",
    ),
    Action(
        claimed="turned on|turned off|switched on|switched off|locked|unlocked|(?:ein|aus|an|ab)geschaltet",
        asked=r"turn|switch|(?:un)?lock|schalt\w*",
        tools="turn|switch|lock|light|lamp|heat|device|toggle|power|set|schalt|home",
    ),
)
ANY_TOOL = r"run|exec|shell|command|http|request|automat"  # whoever runs such a tool may have done anything
CLAIMED = "|".join(action.claimed for action in ACTIONS)
SO = r"(?:(?:just|already|now|also|then|successfully|finally|gone ahead and|went ahead and|erfolgreich)\s+)*"
BY_ME = re.compile(  # not "the report I sent", nor "what have I booked"
    r"(?:^|[,;:!(–—-]\s*|\b(?:and|but|so|that|now|then|also|because|yes|sure|okay|ok|done)\s+)"
    rf"I(?:['\u2019]ve|\s+have)?\s+{SO}(?P<did>{CLAIMED})\b"
    rf"|\b(?:ich\s+habe?|habe?\s+ich)\b(?!.*\b(?:nichts?|nie|kein\w*)\b)[^.!?;:]{{0,120}}?\s(?P<getan>{CLAIMED})\b",
    re.IGNORECASE,
)
BY_ITSELF = (
    re.compile(  # "Booked.", "Your table has been booked", "Die Mail wurde gesendet": only where it was asked for
        rf"^(?:(?:all )?done|(?:all )?set|okay|ok|great|sure|yes|alright|erledigt|fertig|ja|gut)?[\s,!–—-]*"
        rf"(?:successfully |erfolgreich )?(?P<short>{CLAIMED})$"
        rf"|^(?:your|the|it|this|everything|dein\w*|ihr\w*|die|der|das|es|alles)\b[^.!?;:,]{{0,60}}?\s"
        rf"(?:(?:has|have) {SO}been|is|are|was|were|wurden?|ist|sind)\b[^.!?;:,]{{0,40}}?"
        rf"\s{SO}(?P<passive>{CLAIMED})\b",
        re.IGNORECASE,
    )
)
DONE = re.compile(r"^(?:all )?(?:done|set|erledigt|fertig|gemacht)$", re.IGNORECASE)
OPEN = re.compile(
    r"\b(?:if|once|when|whenever|after|until|unless|whether|as soon as|would|could|should|might|will|imagine|suppose|"
    r"not|never|no|wenn|falls|sobald|nachdem|bevor|bis|ob|würde\w*|könnte\w*|hätte\w*|wird|werden|nichts?|nie|kein\w*)\b",
    re.IGNORECASE,
)
EARLIER = re.compile(
    r"\b(?:yesterday|ago|earlier|previously|before|last \w+|back then|in (?:19|20)\d\d|this morning|gestern|vorgestern|"
    r"vorhin|vorher|zuvor|neulich|damals|letzte\w*|heute (?:morgen|früh))\b",
    re.IGNORECASE,
)
ASKS_BACK = re.compile(
    r"^\W*(?:what|who|which|how|why|where|when|was|wer|wie|warum|wo|wann|welche\w*)\b", re.IGNORECASE
)
ABOUT_THE_PAST = re.compile(r"\b(?:did|have|has|had|was|were|hast|habt|hat|wurde\w*|war|ist|sind)\b", re.IGNORECASE)
WRITING = re.compile(
    r"\b(?:write|draft|compose|translate|translation|rephrase|reword|rewrite|proofread|correct|summar\w+|paraphrase|poem|"
    r"story|essay|example|lyrics|joke|dialog\w*|sentence|schreib\w*|verfass\w*|formulier\w*|übersetz\w*|entwirf|"
    r"korrigier\w*|gedicht|geschichte|beispiel\w*|zusammenfass\w*|satz)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r"```.*?```|`[^`]*`|\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|^>.*$", re.DOTALL | re.MULTILINE)
LETTER = re.compile(
    r"(?im)(?:\n|^)\W*(?:subject|betreff)\s*:|\n\W*(?:dear|hi|hello|hey|hallo|liebe[rs]?|sehr geehrte)\b"
)


def unsupported(
    answer: str, request: str, *, now: Sequence[Deed], earlier: Sequence[Deed] = (), told_by_tools: str = ""
) -> tuple[str, ...]:
    """The sentences of an answer that claim an action which nothing that was done bears out.

    `now` is what this turn did, `earlier` what the turns before it did: a claim may be about those, unless the
    request asks for that action anew. Sentences that tools themselves said are theirs.
    """
    found = []
    for sentence in _sentences(answer):
        action = _claimed(sentence, request)
        if action and sentence not in told_by_tools:
            may_be_earlier = not _asks_for(request, action) or ABOUT_THE_PAST.search(request)
            deeds = (*now, *earlier) if may_be_earlier else now
            if not any(_bears_out(deed, action) for deed in deeds):
                found.append(sentence[:SHOWN])
    return tuple(dict.fromkeys(found))


def _sentences(answer: str) -> Iterator[str]:
    """Whole statements without markup, quotations, code, questions, and what stands in a draft of a letter."""
    own = _plain(LETTER.split(answer, maxsplit=1)[0])
    for sentence in re.split(r"(?<=[.!?…])\s+|\n+", own):
        statement = sentence.strip(" -–—•✅")
        if len(statement) <= LONGEST and not statement.endswith("?"):
            yield statement.rstrip(".!… ✅")


def _plain(text: str) -> str:
    return re.sub(r"[*_#]+", "", QUOTED.sub("…", text))


def _claimed(sentence: str, request: str) -> Action | None:
    """The action that a sentence claims as done."""
    if EARLIER.search(sentence):
        return None
    if (claim := BY_ME.search(sentence)) and not OPEN.search(sentence[: claim.end()]):
        action = _action(claim["did"] or claim["getan"], sentence)
        return action if action and (_asks_for(request, action) or not WRITING.search(request)) else None
    if ASKS_BACK.search(request) or OPEN.search(sentence):
        return None
    if DONE.match(sentence):
        return next((action for action in ACTIONS if _asks_for(request, action) and not WRITING.search(request)), None)
    if claim := BY_ITSELF.search(sentence):
        action = _action(claim["short"] or claim["passive"], sentence)
        return action if action and _asks_for(request, action) else None
    return None


def _action(verb: str, sentence: str) -> Action | None:
    """The kind of action of this verb, where the rest of the sentence fits it."""
    for action in ACTIONS:
        if re.fullmatch(action.claimed, verb, re.IGNORECASE):
            fits = re.search(action.of, sentence, re.IGNORECASE) and not re.search(
                action.not_of, sentence, re.IGNORECASE
            )
            return action if fits else None
    return None


def _asks_for(request: str, action: Action) -> bool:
    """Whether the request wants this action to be done: the verb where a wish has it, not "a book" or "the order"."""
    wish = rf"(?:^|[.!?,;:]\s*|\b(?:please|you|and|then|now|also|just|bitte|du|sie|mir|mich)\s+)(?:{action.asked})\b"
    german = rf"\b(?:kannst|könntest|können|könnten|bitte|soll\w*|möchte\w*)\b.*\b(?:{action.asked})\b"
    return re.search(f"{wish}|{german}", request, re.IGNORECASE) is not None


def _bears_out(deed: Deed, action: Action) -> bool:
    by_name = rf"(?<![^\W_])(?:{action.tools}|{ANY_TOOL})"
    return re.search(by_name, _split(deed.words), re.IGNORECASE) is not None


def _split(words: str) -> str:
    """The words of names such as sendMail and send_mail."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", words)
