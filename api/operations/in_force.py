"""GET /v1/ops/settings: the settings that an API process runs with, and its version. No secret is among them."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

from api.callers import ReaderDep
from api.http.openapi import COMMON_PROBLEMS, problem_responses
from api.services import services
from core.settings import API, SECRETS, About, Settings
from core.version import VERSION


class SettingView(BaseModel):
    """A setting, as its environment variable has it."""

    name: str = Field(examples=["TELLER_BACKLOG_MAX"])
    value: str | None = Field(description="null where there is none", examples=["1000000"])
    is_default: bool


class SettingsView(BaseModel):
    """What the process that answers was started with. URLs of servers and keys are secrets, and are left out."""

    version: str = Field(description="Teller's")
    settings: list[SettingView]


router = APIRouter(tags=["ops"])


@router.get(
    "/v1/ops/settings",
    summary="See the settings in force",
    response_model=SettingsView,
    responses=problem_responses(*COMMON_PROBLEMS, "forbidden"),
)
async def get_ops_settings(request: Request, _: ReaderDep) -> Any:
    """The settings of the API process that answers, without secrets. For operators and viewers."""
    return {"version": VERSION, "settings": list(rendered(services(request).settings))}


def rendered(settings: Settings) -> Iterator[dict[str, object]]:
    """Yield what the API reads, but for secrets, in the order of core/settings.py."""
    for name, field in Settings.model_fields.items():
        if is_shown(field):
            value = getattr(settings, name)
            is_default = value == field.get_default(call_default_factory=True, validated_data={})
            yield {"name": field.alias, "value": text_of(value), "is_default": is_default}


def is_shown(field: FieldInfo) -> bool:
    return field.alias not in SECRETS and any(isinstance(one, About) and API in one.read_by for one in field.metadata)


def text_of(value: object) -> str | None:
    """Return a value as an environment variable has it."""
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
