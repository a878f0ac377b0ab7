"""Of the entrance, sessions and tokens."""

from msgspec import structs

from controller.api.entrance import EntranceBody
from controller.api.examples.example import FEEDER, NOW, PATH_EXAMPLES, Example, Examples
from controller.api.sessions import SignInOrder, WhoBody
from controller.api.tokens import TokenBody, TokenOrder, TokensBody

_WHO = WhoBody(name="li.wei", may=("answer", "customers", "look", "operate"), feeders=None)
_TOKEN = TokenBody(
    token=str(PATH_EXAMPLES["token"]),
    name="portal",
    may=("customers", "look"),
    feeders=(FEEDER,),
    made_by="jo.linde",
    made_at=NOW,
    expires_at=NOW.replace(year=2027),
)
EXAMPLES: Examples = {
    "GET /api/v1/entrance": Example(
        answered=EntranceBody(site="Westend", accounts=True, openid=False, sign_in_to_look=True)
    ),
    "POST /api/v1/session": Example(
        posted=SignInOrder(name="li.wei", password="a phrase of four words", code="492039"),  # noqa: S106
        answered=structs.replace(_WHO, second_factor=True),
    ),
    "GET /api/v1/session": Example(answered=_WHO),
    "POST /api/v1/tokens": Example(
        posted=TokenOrder(name="portal", may=("look", "customers"), days=365.0, feeders=(FEEDER,)),
        answered=structs.replace(_TOKEN, secret="gw_told-once-and-never-again"),  # noqa: S106
    ),
    "GET /api/v1/tokens": Example(answered=TokensBody(tokens=(_TOKEN,))),
}
