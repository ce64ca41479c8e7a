"""What a case says must hold. Each raises AssertionError with what was found instead."""

import errno
import time


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:200]} ... {text[-80:]} ({len(text)} characters)"


def equal(found, expected, what: str) -> None:
    if found != expected:
        raise AssertionError(f"{what}: {_shown(found)}, expected {_shown(expected)}")


def true(holds, what: str) -> None:
    if not holds:
        raise AssertionError(what)


def fails(code: int, function, *arguments, **named) -> None:
    """The call must fail with exactly this errno."""
    wanted = errno.errorcode[code]
    call = f"{getattr(function, '__name__', function)}{_shown(arguments)}"
    try:
        found = function(*arguments, **named)
    except OSError as error:
        if error.errno != code:
            name = errno.errorcode.get(error.errno, error.errno)
            raise AssertionError(f"{call}: {name}, expected {wanted}") from None
        return
    raise AssertionError(f"{call}: {_shown(found)}, expected {wanted}")


def fails_with(kind: type[BaseException], function) -> None:
    """The call must raise just that."""
    try:
        found = function()
    except kind:
        return
    raise AssertionError(f"{_shown(found)}, expected {kind.__name__}")


def eventually(holds, what: str, seconds: float = 30) -> None:
    """Asks again and again until `holds()`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)
