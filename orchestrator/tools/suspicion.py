"""What in a tool's definition speaks to the model behind the person's back, in the styles that have been published."""

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.json_texts import texts
from orchestrator.tools.hidden import has_hidden

PUBLISHED = {
    "it holds hidden text": r"<!--",
    "it imitates another voice": (
        r"</?(?:important|system|instructions?|assistant|user|human|admin|secret|hidden|critical|tool_\w+|result)\s*>"
        r"|<\|[\w ]+\|>|\[/?INST\]|(?:^|\n)\W*(?:system|assistant|human|developer)\s*(?:message|prompt|note)?\s*:"
    ),
    "it gives orders": (
        r"\b(?:ignore|disregard|forget|override|bypass)\W+(?:\w+\W+){0,3}?(?:previous|prior|above|earlier|system|your)\W"
        r"+(?:\w+\W+){0,2}?(?:instruction|prompt|rule|message|direction|guideline)"
        r"|\bbefore\s+(?:\w+\s+)?(?:using|calling|invoking|running)\s+(?:this|any|other|the)\b[^.]{0,60}\b"
        r"(?:call|read|send|run|include|pass|fetch)\b"
        r"|\b(?:must|always|never)\b[^.\n]{0,60}\b(?:send|forward|go to|copy|bcc|include)\b[^.\n]{0,40}[\w.]+@[\w.]+"
    ),
    "it wants to be kept from you": (
        r"\b(?:do not|don'?t|never|without)\s+(?:tell|telling|mention|mentioning|inform|informing|reveal|revealing"
        r"|alert|alerting|notify|notifying|show|showing)\s+(?:\w+\s+){0,4}?(?:user|person|human|them|anyone)\b"
    ),
    "it is after secrets": (
        r"\bid_rsa\b|~/\.(?:ssh|aws|cursor|config)\b|\bmcp\.json\b|/etc/passwd"
        r"|\b(?:conversation|chat)\s+history\b|\bsystem\s+prompt\b"
    ),
    "it names a tool of another server": r"\b[a-z][a-z0-9-]*__[a-z][a-z0-9_-]*\b",
    "it shows a remote image": r"!\[[^\]]*\](?:\(|\[)",
    "it holds something encoded": r"\b[A-Za-z0-9+/]{80,}={0,2}",
    "it is full of empty lines": r"(?:\s*\n){20,}",
}
PATTERNS = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in PUBLISHED.items()}
PLAIN_NAME = re.compile(r"[\x21-\x7e ]*")


def suspicion(definition: Mapping[str, Any]) -> str:
    """Why a definition wants an operator's look before a model sees it; empty where it does not.

    It knows published styles alone: what it does not recognise meets the rules for calls and answers all the same.
    """
    name = str(definition.get("name", ""))
    if not PLAIN_NAME.fullmatch(name):
        return "its name has letters that look like others"
    if "__" in name.strip("_"):
        return "its name looks like one of another server"
    for text in texts({key: value for key, value in definition.items() if key != "name"}):
        if has_hidden(text):
            return "it holds hidden text"
        spoken = text.replace("_", " ") if " " not in text else text
        for reason, pattern in PATTERNS.items():
            if pattern.search(text) or pattern.search(spoken):
                return reason
    return ""
