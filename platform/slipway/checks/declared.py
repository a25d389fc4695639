"""Which checks a checks.py declares, read from its syntax tree. Never runs a line of the author's code."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slipway.core.errors import AuthorError

LARGEST_SOURCE = 256 * 1024
_FIELDS = ("title", "points", "within", "stable", "keeps")
_LIMITS = {"points": 100, "within": 120, "stable": 60}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One declared check: the function's name is its id; times in seconds; `line` counts from 1."""

    id: str
    title: str
    points: int = 1
    within: float = 0
    stable: float = 0
    keeps: bool = False
    line: int = 0

    def title_for(self, parameters: Mapping[str, str | int]) -> str:
        """The title with the learner's own values in it."""
        return _PLACEHOLDER.sub(lambda found: str(parameters.get(found[1], found[0])), self.title)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The parameters that the title names."""
        return tuple(_PLACEHOLDER.findall(self.title))


@dataclass(frozen=True, slots=True)
class Declarations:
    """The checks of a file that could be read, and all that is wrong with the others."""

    checks: tuple[CheckSpec, ...]
    mistakes: tuple[AuthorError, ...]
    unread: frozenset[str] = frozenset()
    """Names of functions that mean to be checks and could not be read as such."""


def declared_checks(source: str, file: str) -> list[CheckSpec]:
    """The checks that the source declares, in order. Raises the first mistake as `AuthorError`."""
    declarations = read_declarations(source, file)
    if declarations.mistakes:
        raise declarations.mistakes[0]
    return list(declarations.checks)


def read_declarations(source: str, file: str) -> Declarations:
    """Read all checks and all mistakes at once."""
    if len(source) > LARGEST_SOURCE:
        wrong = AuthorError(
            "checks-too-large",
            f"The file may have {LARGEST_SOURCE} characters.",
            file=file,
            found=f"{len(source)} characters",
        )
        return Declarations((), (wrong,))
    try:
        tree = ast.parse(source, file)
    except SyntaxError as error:
        wrong = AuthorError("checks-not-python", f"This is not Python: {error.msg}.", file=file, line=error.lineno or 0)
        return Declarations((), (wrong,))
    except (ValueError, RecursionError, MemoryError) as error:
        wrong = AuthorError("checks-not-python", "This cannot be read as Python.", file=file, detail=repr(error))
        return Declarations((), (wrong,))
    checks: list[CheckSpec] = []
    mistakes: list[AuthorError] = []
    unread: set[str] = set()
    for function, decorator in _marked(tree):
        try:
            spec = _spec(function, decorator, file)
            _must_differ(spec, checks, file)
            checks.append(spec)
        except AuthorError as mistake:
            mistakes.append(mistake)
            unread.add(function.name)
    return Declarations(tuple(checks), tuple(mistakes), frozenset(unread))


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _marked(tree: ast.Module) -> Iterator[tuple[_Function, ast.expr]]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in statement.decorator_list:
                called = decorator.func if isinstance(decorator, ast.Call) else decorator
                if (isinstance(called, ast.Name) and called.id == "check") or (
                    isinstance(called, ast.Attribute) and called.attr == "check"
                ):
                    yield statement, decorator
                    break


def _spec(function: _Function, decorator: ast.expr, file: str) -> CheckSpec:
    line = function.lineno
    if isinstance(function, ast.AsyncFunctionDef):
        raise AuthorError(
            "check-is-async", f"{function.name} must be an ordinary function.", file=file, line=line, found="async def"
        )
    arguments = function.args
    if len(arguments.args) + len(arguments.posonlyargs) != 1 or arguments.kwonlyargs or arguments.vararg:
        raise AuthorError(
            "check-wrong-arguments",
            f"{function.name} must take the lab and nothing else.",
            file=file,
            line=line,
            found=f"{function.name}({ast.unparse(arguments)})",
            expected=f"{function.name}(lab)",
        )
    if not isinstance(decorator, ast.Call):
        raise AuthorError(
            "check-without-title", f"{function.name} has no title.", file=file, line=line, expected='@check("…")'
        )
    given = dict(_arguments(decorator, file))
    if not isinstance(given.get("title"), str) or not str(given["title"]).strip():
        raise AuthorError(
            "check-without-title",
            f"{function.name} needs a title that learners can read.",
            file=file,
            line=line,
            expected='@check("…")',
        )
    for name, most in _LIMITS.items():
        _must_be_number(name, given.get(name, 0), most, file=file, line=line)
    if not isinstance(given.get("keeps", False), bool):
        raise _wrong_type("keeps", given["keeps"], "True or False", file, line)
    points = given.get("points", 1)
    return CheckSpec(
        id=function.name,
        title=str(given["title"]).strip()[:200],
        points=points if isinstance(points, int) else 1,
        within=_seconds(given.get("within", 0)),
        stable=_seconds(given.get("stable", 0)),
        keeps=bool(given.get("keeps", False)),
        line=line,
    )


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _arguments(call: ast.Call, file: str) -> Iterator[tuple[str, object]]:
    if len(call.args) > 1:
        raise AuthorError(
            "check-wrong-arguments",
            "Only the title comes without a name.",
            file=file,
            line=call.lineno,
            expected='@check("…", points=2)',
        )
    named: list[tuple[str, ast.expr]] = [("title", call.args[0])] if call.args else []
    for keyword in call.keywords:
        if keyword.arg not in _FIELDS:
            near = difflib.get_close_matches(keyword.arg or "", _FIELDS, n=1)
            raise AuthorError(
                "check-unknown-argument",
                "@check knows no such argument.",
                file=file,
                line=keyword.value.lineno,
                found=keyword.arg or "**",
                expected=", ".join(_FIELDS),
                nearest=near[0] if near else "",
            )
        named.append((keyword.arg, keyword.value))
    for name, value in named:
        try:
            yield name, ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            raise AuthorError(
                "check-not-literal",
                f"{name} must be written out: it is read without running the file.",
                file=file,
                line=value.lineno,
                found=ast.unparse(value)[:80],
                expected="a plain text, number, True or False",
            ) from None


def _must_be_number(name: str, value: object, most: int, *, file: str, line: int) -> None:
    kinds = int if name == "points" else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value <= most:
        words = "a whole number" if name == "points" else "a number of seconds"
        raise _wrong_type(name, value, f"{words} from 0 to {most}", file, line)


def _wrong_type(name: str, value: object, expected: str, file: str, line: int) -> AuthorError:
    return AuthorError(
        "check-wrong-type",
        f"{name} must be {expected}.",
        file=file,
        line=line,
        found=repr(value)[:80],
        expected=expected,
    )


def _must_differ(spec: CheckSpec, others: list[CheckSpec], file: str) -> None:
    for other in others:
        if other.id == spec.id or other.title == spec.title:
            what = "name" if other.id == spec.id else "title"
            raise AuthorError(
                f"check-duplicate-{what}",
                f"The check in line {other.line} has the same {what}.",
                file=file,
                line=spec.line,
                found=spec.id if what == "name" else spec.title,
                expected=f"a {what} of its own",
            )
