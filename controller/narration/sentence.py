"""What a journal entry becomes: how grave it is, and the sentence. Pure."""

from typing import Literal

Severity = Literal["info", "good", "warning", "alarm"]
Sentence = tuple[Severity, str]
