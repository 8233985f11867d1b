"""The types of single fields of an organization, each with its rule and the text that refuses what breaks it."""

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from tenants import names, settings
from tenants.plans import PLANS
from tenants.quantity import bytes_, cpu_millicores, format_bytes, format_cpu

_EMAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])")
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = re.compile(rf"((?P<domain>[a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?)/)?(?P<name>{_LABEL})")
_LABEL_VALUE = re.compile(rf"({_LABEL})?")
_OUR_DOMAINS = (names.DOMAIN, "kubernetes.io", "k8s.io")
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800")  # letters and marks that show nothing
_ALIKE = {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE"}  # scripts whose letters look the same
_LARGEST_WHOLE = 10**40
MIRRORED = "quota"  # the service whose settings repeat the quota


def _display_name(value: str) -> str:
    if unicodedata.normalize("NFC", value) != value:
        raise ValueError("is not in Unicode NFC, so that it could look like another name; retype it")
    odd = [c for c in value if unicodedata.category(c) in _UNSEEN or c in _BLANK]
    if odd:
        raise ValueError(f"holds the invisible or control character {odd[0]!r}; remove it")
    posing = next((c for c in value if unicodedata.normalize("NFKC", c) != c), None)
    if posing:
        raise ValueError(f"holds {posing!r}, which poses as {unicodedata.normalize('NFKC', posing)!r}; write that")
    scripts = sorted({unicodedata.name(c, "").split(" ")[0] for c in value if c.isalpha()} & _ALIKE)
    if len(scripts) > 1:
        raise ValueError(f"mixes {' and '.join(scripts)} letters, which look alike; use those of one alphabet")
    if value != value.strip():
        raise ValueError("starts or ends with a space; remove it")
    return value


def _email(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError(f"{value!r} is not an e-mail address in lower case, such as ada@acme.example")
    return value


def _plan(value: str) -> str:
    if value not in PLANS:
        raise ValueError(f"{value!r} is no plan; choose one of {', '.join(PLANS)}")
    return value


def _uid(value: str) -> str:
    if not _UID.fullmatch(value):
        raise ValueError(
            f"{value!r} is no UID, which is a UUID in lower case; "
            "`kubectl get namespace org-<slug> -o jsonpath='{.metadata.uid}'` prints it"
        )
    return value


def _as_text(value: Any) -> Any:
    """Let YAML's bare numbers (`cpu: 16`) be quantities too, but not booleans."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _cpu(value: str) -> str:
    return format_cpu(_more_than_zero(cpu_millicores(value), value))


def _size(value: str) -> str:
    return format_bytes(_more_than_zero(bytes_(value), value))


def _setting_value(value: Any) -> Any:
    """What JSON, and PostgreSQL's jsonb, can hold."""
    if not isinstance(value, bool | int | float | str):
        raise ValueError("is no plain value; a setting is text, a number, true or false")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number that JSON can hold; write a finite one")
    if isinstance(value, int) and abs(value) >= _LARGEST_WHOLE:
        raise ValueError("has more than 40 digits; quote it to mean text")
    if isinstance(value, str) and any(c == "\0" or unicodedata.category(c) == "Cs" for c in value):
        raise ValueError("holds a NUL or half a character (a lone surrogate), which PostgreSQL cannot store; remove it")
    return value


def _more_than_zero(amount: int, text: str) -> int:
    if amount == 0:
        raise ValueError(f"{text!r} is zero; leave the key out to take the plan's default")
    return amount


DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_display_name)]
Slug = Annotated[str, AfterValidator(names.check_slug)]
Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
PlanName = Annotated[str, AfterValidator(_plan), Field(json_schema_extra={"enum": list(PLANS)})]
Cpu = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | float), AfterValidator(_cpu)]
Size = Annotated[str, AfterValidator(_size)]
SettingValue = Annotated[bool | int | float | str, BeforeValidator(_setting_value)]
Uid = Annotated[str, AfterValidator(_uid)]
Exposure = Literal["LoadBalancer", "NodePort"]


def label_problems(key: str, value: str) -> Iterator[str]:
    """What is wrong with a label that an organization gives itself, in words."""
    match = _LABEL_KEY.fullmatch(key)
    if not match or len(match["domain"] or "") > 253:
        yield f"{key!r} is no label; write name or domain/name, such as team or acme.example/cost-center"
    elif _is_reserved(match["domain"] or "", match["name"]):
        yield f"{key!r} belongs to the platform or to Kubernetes; choose another name, or a domain of your own"
    if not _LABEL_VALUE.fullmatch(value):
        yield f"{value!r} is no label's value; use at most 63 letters, digits and inner - _ ."


def _is_reserved(domain: str, name: str) -> bool:
    ours = any(domain == own or domain.endswith(f".{own}") for own in _OUR_DOMAINS)
    return ours or name == names.READY_LABEL or name.startswith("pod-security")


def setting_problems(key: str, value: Any) -> tuple[str, ...]:
    """What is wrong with a setting of a catalog file, in words."""
    if key.startswith(f"{MIRRORED}/"):
        return (f"the service {MIRRORED!r} repeats the organization's quota; set that under `quota` instead",)
    return settings.check(key, value)
