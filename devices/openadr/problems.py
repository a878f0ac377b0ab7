"""Why the VTN will not do what it was asked, as OpenADR's `problem` tells it."""

from devices.errors import DeviceError

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    500: "Internal Server Error",
}


class Problem(DeviceError):
    """The request is not carried out, and changed nothing."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def bad_request(detail: str) -> Problem:
    """The sender's words are not what the document says."""
    return Problem(400, detail)


def unauthorized(detail: str) -> Problem:
    """Nobody known asks."""
    return Problem(401, detail)


def forbidden(detail: str) -> Problem:
    """Whoever asks may not."""
    return Problem(403, detail)


def not_found(kind: str, object_id: str) -> Problem:
    """None of this id that the client may see."""
    return Problem(404, f"no {kind} {object_id!r}")


def conflict(detail: str) -> Problem:
    """It contradicts what is there."""
    return Problem(409, detail)


def out_of_order(detail: str) -> Problem:
    """Our own fault; it may be tried again."""
    return Problem(500, detail)
