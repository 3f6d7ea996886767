"""Actions on keys: make one for a viewer or a client, and revoke one."""

from console.actions.action import Action, Field, Question, Secret
from console.api import Json
from console.visit import Form, Visit

NAME = Field("name", "Name", hint="For which person or program it is. Lists of keys show it.", required=False, length_max=100)
ADVICE = "Store it now. It is never shown again."


async def ask_new_viewer(visit: Visit, _: str) -> Question:  # noqa: ARG001 - the question is always the same
    words = (
        "The key reads everything that you see, and moves and changes nothing. The next page shows it once.",
        "Keys of operators are made beside the database: python -m core keys make --operator",
    )
    return Question(words, "/keys", (NAME,))


async def new_viewer(visit: Visit, _: str, form: Form, key: str) -> Secret:  # noqa: ARG001 - the API makes another key each time
    made = await visit.api.send("POST", "/v1/keys", {"role": "viewer", **name_in(form)})
    return Secret("New key of a viewer", made["key"], ADVICE, "/keys")


async def ask_new_client_key(visit: Visit, id: str) -> Question:
    found = await visit.api.get(f"/v1/clients/{id}")
    words = (f"The key moves money out of the wallets of {found['name']}, and sees no others. The next page shows it once.",)
    return Question(words, f"/clients/{id}", (NAME,))


async def new_client_key(visit: Visit, id: str, form: Form, key: str) -> Secret:  # noqa: ARG001 - as `new_viewer`
    made = await visit.api.send("POST", f"/v1/clients/{id}/keys", name_in(form))
    return Secret("New key of a client", made["key"], ADVICE, f"/clients/{id}")


def name_in(form: Form) -> Json:
    name = form.get("name", "").strip()
    return {"name": name} if name else {}


async def ask_revoke(visit: Visit, id: str) -> Question:
    async for one in visit.api.rows("/v1/keys", most=1000):
        if one["id"] == id:
            if one["revoked_at"]:
                return Question((), "/keys", blocked="This key was revoked already.")
            named = f"“{one['name']}”" if one["name"] else f"with the hint {one['hint']}"
            whose = f"{article(one['role'])} {one['role']}"
            return Question((f"The key {named} of {whose} stops working for ever, within 5 seconds.",), "/keys")
    return Question((f"The key {id} stops working for ever, within 5 seconds.",), "/keys")


def article(role: str) -> str:
    return "an" if role == "operator" else "a"


async def revoke(visit: Visit, id: str, form: Form, key: str) -> str:  # noqa: ARG001 - to revoke twice changes nothing
    await visit.api.send("DELETE", f"/v1/keys/{id}")
    return "/keys"


ACTIONS = {
    "new-viewer": Action("Make a key for a viewer", "Make the key", "", ask_new_viewer, new_viewer, once=False),
    "new-client-key": Action("Make a key for a client", "Make the key", "", ask_new_client_key, new_client_key, "cli", once=False),
    "revoke-key": Action("Revoke a key", "Revoke for ever", "The key was revoked.", ask_revoke, revoke, "key", dangerous=True),
}
