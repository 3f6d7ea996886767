"""The tree of commands. Each is named here with its help, and its module is imported when it is called."""

from collections.abc import Collection, Mapping

from cyclopts import App, Group, Parameter

from cli.exits import MEANINGS
from core.version import VERSION

ABOUT = (  # no line breaks within a paragraph: the terminal's width decides
    "Move money and look after it with Teller, from a terminal.\n\n"
    "Most commands call the HTTP API: they need its address and a key (`teller login`, or TELLER_URL and TELLER_KEY; beside "
    "`teller run` nothing) and may run anywhere. `teller run`, `teller audit` and `teller db` work beside the servers and the "
    "database."
)
EXITS = "Exit status: " + "; ".join(f"{status} {meaning}" for status, meaning in MEANINGS) + "."

ABOUT_DB = "migrate, audit, checkpoint, reconcile, keys: what `python -m core` is"

START = Group("Start", sort_key=1)
MONEY = Group("Move money", sort_key=2)
LOOK = Group("Find and look", sort_key=3)
MANAGE = Group("Manage", sort_key=4)
BESIDE = Group("Beside the database", sort_key=5)
REST = Group("More", sort_key=6)

# A command: where its function stands, and its line in the list.
Commands = Mapping[str, tuple[str, str]]

GROUPS: Mapping[Group, Commands] = {
    START: {
        "run": ("cli.here:run", "run the whole system here, until Ctrl-C"),
        "login": ("cli.login:login", "store an address and a key, once for all later commands"),
        "doctor": ("cli.doctor:doctor", "look whether all is well, and say what is not"),
        "version": ("cli.version:version", "print the version"),
    },
    MONEY: {
        "deposit": ("cli.money:deposit", "bring money from outside into a wallet"),
        "withdraw": ("cli.money:withdraw", "take money out of a wallet to outside"),
        "transfer": ("cli.money:transfer", "move money from one wallet to another"),
        "hold": ("cli.money:hold", "reserve money for a payee"),
        "capture": ("cli.money:capture", "give the payee a hold's money, or a part of it"),
        "release": ("cli.money:release", "give a hold's money back, or a part of it"),
        "reverse": ("cli.money:reverse", "send the money of an applied transfer back, or a part of it"),
        "cancel": ("cli.money:cancel", "cancel a scheduled or queued transfer"),
    },
    LOOK: {
        "find": ("cli.find:find", "find a thing by id, reference, idempotency key, external id or name"),
        "show": ("cli.show:show", "show a transfer, wallet, client, key, event or endpoint, and what belongs to it"),
        "queue": ("cli.queue:queue", "what waits, for how long, and which worker applies it"),
        "top": ("cli.top:top", "the state of the whole system, live"),
    },
    REST: {
        "api": ("cli.raw:api", "send any request of the API with the stored key"),
        "completion": ("cli.completion:completion", "print the completion of a shell: bash, zsh or fish"),
    },
    BESIDE: {
        "audit": ("cli.database:audit", "prove the ledger from its entries"),
    },
}

NOUNS: Mapping[str, tuple[str, Commands]] = {
    "clients": (
        "clients and what is known of them",
        {
            "create": ("cli.clients:create", "make a client with its first wallet"),
            "get": ("cli.clients:get", "show a client and its wallets"),
            "list": ("cli.clients:list_", "list clients, newest first"),
            "update": ("cli.clients:update", "correct a client's name, external id or metadata"),
            "changes": ("cli.clients:changes", "what was corrected, when, by which key and why"),
        },
    ),
    "transfers": (
        "transfers of every kind",
        {
            "list": ("cli.transfers:list_", "list transfers by wallet, client, status, type, reference, amount or time"),
        },
    ),
    "wallets": (
        "wallets: balances, entries, statements, what they allow",
        {
            "create": ("cli.wallets:create", "make another wallet of a client, in another currency"),
            "get": ("cli.wallets:get", "show a wallet: balance, held, available, limits"),
            "entries": ("cli.wallets:entries", "what came into a wallet and went out, newest first"),
            "statement": ("cli.wallets:statement", "the entries of a period between two balances"),
            "balance": ("cli.wallets:balance", "the balance as of a time"),
            "holds": ("cli.wallets:holds", "the open holds of a wallet's money"),
            "freeze": ("cli.wallets:freeze", "stop money out of a wallet, into it, or both"),
            "unfreeze": ("cli.wallets:unfreeze", "end a freeze"),
            "limit": ("cli.wallets:limit", "set or remove a wallet's limits"),
            "changes": ("cli.wallets:changes", "what was frozen or limited, when, by which key and why"),
            "close": ("cli.wallets:close", "close a wallet for ever"),
        },
    ),
    "events": (
        "the feed of what became final",
        {
            "tail": ("cli.events:tail", "print events as they come"),
            "get": ("cli.events:get", "show an event"),
        },
    ),
    "webhooks": (
        "webhook endpoints and deliveries",
        {
            "list": ("cli.webhooks:list_", "list your endpoints"),
            "create": ("cli.webhooks:create", "make an endpoint, and print its secret this once"),
            "delete": ("cli.webhooks:delete", "delete an endpoint"),
            "deliveries": ("cli.webhooks:deliveries", "the deliveries of an endpoint or a transfer"),
            "redeliver": ("cli.webhooks:redeliver", "send a delivery again, or all that failed of an endpoint"),
            "listen": ("cli.listen:listen", "forward events to a program on this machine, signed like the real ones"),
        },
    ),
    "keys": (
        "API keys",
        {
            "make": ("cli.keys:make", "make a key and print it, this once"),
            "list": ("cli.keys:list_", "list keys"),
            "revoke": ("cli.keys:revoke", "revoke a key for ever"),
        },
    ),
}
NOUN_GROUPS = {"transfers": LOOK, "clients": MANAGE, "wallets": MANAGE, "keys": MANAGE, "webhooks": MANAGE, "events": LOOK}


def build(called: Collection[str] = ()) -> App:
    """Return the tree of commands. Those that are `called` have the help of their function, for which their module is imported."""
    teller = App(
        name="teller",
        help=ABOUT,
        help_epilogue=EXITS,
        version=f"teller {VERSION}",
        version_flags=["--version"],
        help_format="plaintext",
        default_parameter=Parameter(show_default=False),
        exit_on_error=False,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for group, commands in GROUPS.items():
        add(teller, commands, called, group)
    teller.command(
        "cli.database:db", name="db", help=ABOUT_DB, group=BESIDE, help_flags=[], version_flags=[]
    )  # argparse has its help
    for noun, (about, commands) in NOUNS.items():
        under = App(name=noun, help=about, group=NOUN_GROUPS[noun])
        add(under, commands, called)
        teller.command(under)
    return teller


def add(app: App, commands: Commands, called: Collection[str], group: Group | None = None) -> None:
    for name, (place, about) in commands.items():
        app.command(place, name=name, help=None if name in called else about, group=group)
