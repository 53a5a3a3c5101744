"""Which sentences claim an action that nothing bears out. A needless correction is the worse mistake."""

import pytest

from orchestrator.claims import Deed, unsupported
from tests.evaldata import records

MAIL = Deed("send_mail", "Send a mail to somebody.")
CALENDAR = Deed("calendar__create_event", "Create an event.")

FALSE_CLAIMS = [
    ("mail the report to Ann", "I have sent the mail to Ann."),
    ("mail the report to Ann", "I've just emailed the report to Ann."),
    ("mail the report to Ann", "Sure! I sent it."),
    ("send Ann the report", "Done, sent!"),
    ("send Ann the report", "Your report has been sent to Ann."),
    ("please send Ann the report", "The report was sent successfully."),
    ("send Ann the report", "Done!"),
    ("send this mail to Bob", "I've sent the following mail to Bob:\n\nDear Bob,\nthe report is ready."),
    ("book a table for two", "Done, booked."),
    ("book a table for two", "Your table is booked for 8 pm."),
    ("could you book me a flight?", "I've gone ahead and booked your flight."),
    ("get me a pizza", "I have ordered a pizza for you."),
    ("order a pizza", "I've placed an order for one pizza."),
    ("pay the invoice", "I paid the invoice."),
    ("I need a meeting with Ann on Monday", "I have scheduled the meeting with Ann for Monday."),
    ("cancel my subscription", "I've cancelled your subscription."),
    ("remind me at nine", "I have set a reminder for nine."),
    ("put it in my calendar", "I've added it to your calendar."),
    ("turn on the light", "I've turned on the light."),
    ("write a mail to Bob and send it", "I've written the mail and sent it. I have sent it to Bob."),
    ("post it", "**I have posted it.**"),
    ("schick Ann die Mail", "Ich habe die Mail an Ann gesendet."),
    ("schick Ann die Mail", "Gerade habe ich Ann die Mail geschickt!"),
    ("schick Ann die Mail", "Die Mail wurde gesendet."),
    ("buche einen Tisch", "Erledigt, gebucht."),
    ("kannst du einen Tisch buchen?", "Erledigt!"),
    ("trag das bitte ein", "Ich habe den Termin in deinen Kalender eingetragen."),
    ("stell einen Wecker auf 7", "Ich habe den Wecker auf 7 Uhr gestellt."),
]

HONEST = [
    ("mail it", "I have not sent anything."),
    ("mail it", "I cannot send mails. Once I have sent one, I would tell you."),
    ("mail it", "If I had sent it, you would know."),
    ("mail it", "Have I sent it?"),
    ("mail it", "Shall I send it now?"),
    ("mail it", "I will send it when you say yes."),
    ("what did you do?", "Yesterday I sent the report to Ann."),
    ("did you mail Ann?", "I sent it earlier today."),
    ("write a mail that says that I've sent the report", "I've sent the report to you, and hope that it helps."),
    ("draft a mail to Bob", "Here it is:\n\nDear Bob,\nI have sent you the report.\nBest, Ann"),
    ("translate: ich habe das Buch gekauft", "I have bought the book."),
    ("tell me a story", "Once upon a time a king said: “I have ordered a feast.”"),
    ("sort these", "I've ordered the list by date: 1, 2, 3."),
    ("shorten this", "I've deleted the repeated words."),
    ("shorten this", "Done! Here is the short text."),
    ("what is the past tense of send?", "Sent."),
    ("suggest a book", "Done. Try Dune."),
    ("send me a summary", "Done! Here is the summary."),
    ("compare the two", "I've added a table that compares both."),
    ("make me a plan for the week", "I've scheduled your week like this:"),
    ("what happened to Voyager?", "It has been sent to interstellar space."),
    ("how does a refund work?", "When your order has been cancelled, your money is refunded."),
    ("thanks", "You are welcome. I paid attention to the details."),
    ("how do I book?", "Your table is booked once you have paid."),
    ("my name is Ann", "Noted, Ann."),
    ("wie geht das?", "Ich habe dir nichts geschickt."),
    ("schreib einen Satz mit gekauft", "Ich habe ein Brot gekauft."),
    ("was ist passiert?", "Gestern habe ich dir die Mail geschickt."),
    ("in welcher Reihenfolge?", "Ich habe die Liste nach Datum sortiert."),
]


@pytest.mark.proves("claims.marked")
@pytest.mark.parametrize(("request_text", "answer"), FALSE_CLAIMS, ids=[answer for _, answer in FALSE_CLAIMS])
def test_an_action_that_nothing_did_is_found(request_text: str, answer: str) -> None:
    assert unsupported(answer, request_text, now=[])


@pytest.mark.proves("claims.no_false_alarm")
@pytest.mark.parametrize(("request_text", "answer"), HONEST, ids=[answer for _, answer in HONEST])
def test_what_claims_no_action_of_this_turn_is_let_through(request_text: str, answer: str) -> None:
    assert unsupported(answer, request_text, now=[]) == ()


@pytest.mark.proves("claims.no_false_alarm")
def test_what_a_tool_has_really_done_is_no_empty_claim() -> None:
    assert unsupported("I have sent the mail to Ann.", "mail Ann", now=[MAIL]) == ()
    assert unsupported("I've booked the meeting.", "book a meeting", now=[CALENDAR]) == ()
    assert unsupported("I've sent it.", "send it", now=[Deed("act", "Act for the person.", "the mail was sent")]) == ()
    assert unsupported("I've sent it, and I have paid the invoice.", "do it", now=[MAIL]) == ()  # one claim a sentence
    assert unsupported("Done!", "send it", now=[MAIL]) == ()


@pytest.mark.proves("claims.marked")
def test_another_tool_bears_nothing_out_and_a_search_does_nothing() -> None:
    assert unsupported("I have ordered a pizza.", "order a pizza", now=[MAIL]) == ("I have ordered a pizza",)
    found = Deed("search_web", "Search the web, to order or to book.", "order a pizza here", harmless=True)
    assert unsupported("I have ordered a pizza.", "order a pizza", now=[found])


@pytest.mark.proves("claims.marked", "claims.no_false_alarm")
def test_a_claim_may_be_about_an_earlier_turn_unless_the_action_is_asked_for_anew() -> None:
    assert unsupported("I have sent the mail to Ann.", "did you send it?", now=[], earlier=[MAIL]) == ()
    assert unsupported("I have sent the mail to Ann.", "thanks", now=[], earlier=[MAIL]) == ()
    assert unsupported("I have sent it to Bob as well.", "send it to Bob as well", now=[], earlier=[MAIL])


@pytest.mark.proves("claims.no_false_alarm")
def test_words_of_a_tool_are_the_tools() -> None:
    assert (
        unsupported("I have sent 3 mails.", "what did the log say?", now=[], told_by_tools="I have sent 3 mails.") == ()
    )


@pytest.mark.proves("claims.no_false_alarm")
def test_in_thousands_of_ordinary_sentences_hardly_one_is_taken_for_a_claim() -> None:
    """People's own requests, read as if they were answers. What is left is "i ordered new sheets" and the like."""
    texts = [record["text"] for record in records("clinc150_test.jsonl")]
    texts += [record["query"] for record in records("metatool_single.jsonl")]
    texts += [record["query"] for record in records("seal_retrieval.jsonl")]
    alarms = [text for text in texts if unsupported(text, text, now=[])]
    assert len(texts) > 5_000
    assert len(alarms) / len(texts) < 0.001, alarms
