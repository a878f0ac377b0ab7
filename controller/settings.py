"""A site's settings: SITE.toml as typed, frozen values with units in names.

Reading the file and naming the line of a fault is `settings_file.py`'s subject. Relative paths are relative
to SITE.toml.
"""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from controller.rewards.reward_rules import Earning, Expiry, Item, Tier

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
TileUrl = Annotated[
    str, msgspec.Meta(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?/[^\s;,'\"]*\{z\}[^\s;,'\"]*$")
]


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Broker(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker that the field is reached through."""

    host: str = "127.0.0.1"
    port: Port = 1883
    protocol: Literal["3.1.1", "5"] = "5"
    root: str = "gridward"
    client_id: str = "gridward-controller"
    session_expiry_s: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] = 3600
    """So long the broker keeps answers for the daemon while it is away."""
    readings_link: bool = False
    """Readings come by a link of their own, `client_id`/reader1: no flood of them pushes an answer out."""
    readings_certificate_file: Path | None = None
    readings_key_file: Path | None = None
    """Of that link, where the broker takes the client id from the certificate; None: as the other link."""
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    """With it the link is TLS, and the broker's certificate is checked against it."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    queue_bound: Annotated[int, msgspec.Meta(ge=100)] = 500_000
    """Readings, single ones or in batches, that may wait for the next cycle."""


class Rtu(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The substation's RTU, read over Modbus TCP."""

    host: str
    port: Port = 502
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    profile: str = "rtu_generic"
    period_s: Positive = 5.0


class FeederModbus(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A unit that is polled over Modbus TCP: the substation's RTU, a meter, a device or both."""

    host: str
    port: Port | None = None
    """None: 802 with certificates, 502 without"""
    unit: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    profile: str
    """`sunspec`, the name of a built-in register map, or the path of one of the site's own"""
    substation: bool = False
    meter: str | None = None
    device: str | None = None
    period_s: Positive = 5.0
    plain: bool = False
    """neither encrypted nor does anybody prove who they are: closed networks only"""
    server_name: str | None = None
    """whom the unit's certificate names, where that is not `host`"""
    instance: Annotated[int, msgspec.Meta(ge=1)] = 1
    """SunSpec: which of several models of its kind on this unit"""
    positive: Literal["import", "export"] = "import"
    """SunSpec meters: what is positive"""
    energy: Literal["import", "export"] = "import"
    """SunSpec: which of its energy registers is `energy_kwh`"""
    longest_hold_s: Annotated[float, msgspec.Meta(ge=1, le=65534)] = 28_800.0
    """SunSpec: the longest reversion timer that the unit takes; longer limits are told again in time"""


class FeederCharger(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device that is a charger with OCPP, whole or one connector of it."""

    charge_point: str
    """the last part of the URL that it connects to"""
    device: str
    connector: Annotated[int, msgspec.Meta(ge=0)] = 0
    """connectorId in OCPP 1.6, evseId in 2.0.1; 0 is the whole charger"""
    password_file: Path | None = None
    certificate_name: str | None = None
    phases: Literal[1, 2, 3] = 3
    nominal_v: Positive = 230.0
    current_step_a: Positive = 0.1
    """what it can set when it takes ampere; some take whole ones only"""
    rate_unit: Literal["W", "A"] | None = None
    purpose: Literal["max", "default", "transaction"] | None = None
    stack_level: Annotated[int, msgspec.Meta(ge=0)] | None = None
    meter: str | None = None
    """the service point's meter, when the charger's own is that"""
    meter_interval_s: Annotated[int, msgspec.Meta(ge=1)] | None = 30


class FeederVen(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device that hangs on a VEN (OpenADR 3): the VEN itself, or one resource of it."""

    device: str
    ven: str
    """its venName"""
    resource: str | None = None
    """the resourceName of the device; without it the VEN is the device"""
    client_id: str | None = None
    """The VEN's id in the clients file, needed on our own VTN: no other client sees the device's events, and
    reports of another are refused.
    """
    target: str | None = None
    """what its events are targeted at in 3.1.1; without it its resource or VEN by name"""
    vtn: str | None = None
    """the name of a `[[vtn]]` of somebody else; without it our own"""
    meter: str | None = None
    """the service point's meter, when the device's power is that"""


class Feeder(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One network that is checked as one."""

    id: str
    network: str
    """as `gridward check` takes it: a file or folder, `simbench:CODE` or `pandapower:FUNCTION`"""
    customers: Path
    devices: Path
    programmes: Path | None = None
    """programmes.toml: what was agreed with customers. Without it the terms of `[rewards]` hold for everybody
    who takes notices, at any hour.
    """
    enrolments: Path | None = None
    """enrolments.csv: who is in which programme, and when"""
    appliances: Path | None = None
    """appliances.csv, which `gridward appliances import` writes: what customers own"""
    appliance_use: Path | None = None
    """when appliances run, where the site knows better than the default table"""
    metered_generation: bool = True
    """Meters measure net of what is generated behind them, so the network's own static generators are off."""
    rtu: Rtu | None = None
    rtu_over_broker: bool = False
    """an RTU speaks over the broker, and may not be silent"""
    modbus: tuple[FeederModbus, ...] = ()
    charger: tuple[FeederCharger, ...] = ()
    ven: tuple[FeederVen, ...] = ()

    @property
    def has_rtu(self) -> bool:
        """Whether an RTU is configured, however it is read: its silence is an alarm then."""
        return self.rtu is not None or self.rtu_over_broker or any(unit.substation for unit in self.modbus)


class Ocpp(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The central system that chargers connect to; there is one when a feeder has a `[[feeder.charger]]`."""

    host: str = "127.0.0.1"
    port: Port = 9000
    path: str = "/ocpp"
    security_profile: Literal[0, 1, 2, 3] = 2
    """1: password; 2: TLS and password; 3: TLS with the charger's certificate; 0: none, closed networks"""
    certificate_file: Path | None = None
    key_file: Path | None = None
    client_ca_file: Path | None = None
    who_may_charge: tuple[str, ...] | None = None
    """id tokens; without it everybody"""
    stations: Path | None = None
    """stations.csv: where chargers stand, for the public map"""
    clock_tolerance_s: Positive = 60.0
    power_fresh_s: Positive = 300.0


class Modbus(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How units are spoken to that are not `plain`: Modbus/TCP Security, both sides prove who they are."""

    ca_file: Path | None = None
    """whose certificates units must have"""
    certificate_file: Path | None = None
    key_file: Path | None = None
    deadline_s: Positive = 2.0
    """for a connection, and for each answer"""


class OpenAdrMqtt(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The broker that tells VENs of changes (OpenADR 3.1)."""

    host: str
    port: Port = 8883
    uris: tuple[str, ...]
    """where VENs find it, such as `mqtts://broker.example:8883`"""
    authentication: dict[str, str] = msgspec.field(default_factory=lambda: {"method": "ANONYMOUS"})
    """what VENs are told of how they prove themselves there"""
    root: str = "openadr"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


class OpenAdr(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Our own OpenADR 3 VTN, for aggregators and home managers; without `[openadr]` there is none."""

    clients_file: Path
    """clients.toml: who may connect, with hashed secrets"""
    host: str = "127.0.0.1"
    port: Port = 8443
    path: str = "/openadr3"
    """versions are below it: `https://HOST:PORT/openadr3/3.1.1`"""
    versions: tuple[Literal["3.0.1", "3.1.1"], ...] = ("3.0.1", "3.1.1")
    public_url: str | None = None
    """how clients reach it; without it as they ask for it"""
    certificate_file: Path | None = None
    key_file: Path | None = None
    """Without the two it speaks plain HTTP, on 127.0.0.1 only: behind a proxy that does TLS."""
    store_file: Path = Path("state/openadr.sqlite3")
    callback_hosts: tuple[str, ...] | None = None
    """Webhooks go to these hosts alone, which may then be inside our network; None: to any public address."""
    callback_http: bool = False
    """webhooks without TLS: closed networks"""
    callback_challenge: bool = True
    """A callback must echo a challenge before its subscription is taken, as OpenADR 3.1 wants it."""
    program: str = "Gridward"
    """the name of the program whose events are our limits, and which no client of the VTN may write"""
    mqtt: OpenAdrMqtt | None = None
    """Without it VENs are told of changes by webhooks alone, or ask."""


class ForeignVtn(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody else's VTN, to which we bring events as business logic."""

    name: str
    base_url: str
    """up to where `/programs` begins"""
    version: Literal["3.0.1", "3.1.1"] = "3.1.1"
    client_id: str
    secret_file: Path
    token_url: str | None = None
    scope: str | None = None
    ca_file: Path | None = None
    """without it the authorities of this machine"""
    program: str = "Gridward"
    enrol: bool = False
    """make vens and resources there where they are missing"""
    poll_reports_s: Positive = 10.0


class Cycle(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the daemon looks, and how old data may be."""

    period_s: Positive = 5.0
    fresh_s: Positive = 15.0
    """A reading older than this is stale; older than ten times this it is not used at all. A round that took
    longer limits nobody.
    """
    min_fresh_share: Share = 0.8
    """Below this share of fresh meters: alarm, no automatic action on the feeder."""
    max_clock_skew_s: Positive = 30.0
    """A reading further ahead of our clock than this is quarantined."""
    feeder_sum_tolerance: Share = 0.08
    """Allowed difference of meters plus losses from the substation's reading, as a share of it."""
    referee_every: Annotated[int, msgspec.Meta(ge=1)] = 100
    """Checks between two comparisons with pandapower's runpp."""
    compiled: bool = False
    """Load flows run compiled where numba is (`grid_model/radial_sweep.py`): several times as fast for 0.3 s
    at the start, or 15 s on a machine that has never done it. Worth it from some hundred feeders on.
    """
    estimate: bool = True
    """Where meters are missing or something is wrong, the state is estimated: 5 to 30 ms in such a cycle."""


class Limits(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as a violation."""

    loading_percent: Positive = 100.0
    min_v_pu: Positive = 0.9
    max_v_pu: Positive = 1.1


class Events(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an event opens and closes (design, rule 4)."""

    persistence_checks: Annotated[int, msgspec.Meta(ge=1)] = 3
    at_once_percent: Positive = 120.0
    close_below: Share = 0.95
    """of the limit"""
    close_after_s: Positive = 300.0
    max_duration_s: Positive = 6 * 3600.0
    """So long at most one event asks anything of a customer, from its first request to them on; then they are
    left alone for the rest of it.
    """


class LookAhead(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is expected, told before it happens, and acted on before it happens."""

    act_early: bool = True
    """What may come within `lead_s` counts: events open, and cuts are made, before a limit is broken."""
    lead_s: Positive = 60.0
    """How far acting early looks ahead; at least one `cycle.period_s`."""
    act_probability: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.2
    """of an overload within the lead, above which it is acted on"""
    early_checks: Annotated[int, msgspec.Meta(ge=1)] = 2
    """checks in a row that must expect the overload before an event opens early"""
    room_share: Share = 1.0
    """So much of what may come is kept free by cuts, raises and releases. 0: events open early, and nobody is
    cut before somebody has come.
    """
    announce: bool = True
    """Overloads that are expected within six hours are told."""
    every_s: Positive = 300.0
    """between two looks at the next six hours"""
    announce_probability: Annotated[float, msgspec.Meta(gt=0.5, le=1)] = 0.8
    """An overload that is at least this probable is announced ..."""
    withdraw_probability: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.4
    """... and withdrawn when it is no more than this probable, at any time within six hours."""
    announce_looks: Annotated[int, msgspec.Meta(ge=1)] = 2
    """looks in a row that must agree, before it is announced and before it is withdrawn"""
    time_zone: str = "UTC"
    """of the people who live there, by its IANA name: whose evening and weekend are meant"""


class Requests(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How requests are made."""

    target_share: Share = 0.95
    """The allocation aims at this share of each limit, so that noise does not break it again."""
    act_above_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.98
    """While an event is open, more is asked as soon as a loading is above this share of its limit."""
    duration_s: Positive = 900.0
    renew_before_s: Positive = 180.0
    answer_within_s: Positive = 30.0
    attempts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    believed_for_s: Positive | None = None
    """So long what was asked counts as obeyed before meters show it; then others are asked. None:
    `answer_within_s` and twice `cycle.fresh_s`. No shorter than devices and meters need, or twice as much is
    taken.
    """
    min_between_s: NotNegative = 900.0
    """A device released is left alone this long (C5), unless above `at_once_percent`."""
    min_cut_kw: NotNegative = 0.3
    """A cut smaller than this is not worth a command."""
    limit_feed_in: bool = True
    """Inverters are asked to feed in less where feed-in overloads something, or lifts a voltage too high."""
    raise_limits: bool = True
    """Limits go up a little while there is room, before their devices may be freed whole."""
    raise_after_s: Positive = 180.0
    """A limit that was made, or changed, stays so long as it is before it goes up."""
    fairness_spread: Share = 0.0
    """So much more than the least a cut may cost, so that many give a little at a time instead of few all.
    Those who gave are spared later in any case."""
    fairness_strength: Share = 0.25
    """By less than this a kW is dearer at customers who gave much lately; 0: the past does not count."""
    fairness_days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 30
    reserve_probability: Annotated[float, msgspec.Meta(ge=0.5, lt=1)] | None = None
    """So much is asked for that it suffices with this probability, by how devices kept their word so far.
    Without it as much as is needed, and more once somebody did not."""
    longest_order_s: Positive = 4 * 3600.0
    """What an operator limits by hand ends after so long at the latest; it may be ordered again."""
    notices: bool = True
    notice_cut_share: Share = 0.3
    """A notice asks a person for this share of their present power."""
    notice_min_kw: NotNegative = 0.5
    """Nobody is asked to go below this."""


class Safety(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits on reach (design, rule 10)."""

    feeder_share_per_minute: Share = 1.0
    """of a feeder's controllable power that the automatic may command in any 60 s"""
    fleet_share_per_minute: Share = 0.5
    """of the fleet's controllable power; with one feeder the feeder's share alone counts"""
    release_share_per_minute: Share = 0.1
    """of the released power that may come back in any 60 s (C6)"""


class Orders(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people give orders (design, rule 10). Nothing that frees anybody ever needs a second person."""

    confirm_within_s: Annotated[float, msgspec.Meta(ge=10, le=3600)] = 120.0
    """A draft that nobody confirms by then has expired."""
    two_person: tuple[Literal["limit", "automatic_on", "include"], ...] = ()
    """These take two different persons with accounts, whatever they reach."""
    two_person_above_percent: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    """So does a limit that, with all that was commanded in the 60 s before, takes more than this from the
    feeder's or the fleet's controllable power; None: the automatic's own shares, of `safety`."""
    more_reach_s: Positive = 300.0
    """So long the automatic may command beyond its shares once two operators have let it."""


class Alarms(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How alarms reach operators (ISA-18.2)."""

    longest_shelf_s: Positive = 8 * 3600.0
    """An alarm may be shelved for so long at once."""
    operators: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    """that share the alarms: the rate is judged for one of them"""
    out_of_service: tuple[str, ...] = ()
    """alarms that are not raised: `KIND`, or `KIND/FEEDER`"""


class Rewards(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a verified kWh earns."""

    programme: str = "evening-relief"
    points_per_kwh: Annotated[int, msgspec.Meta(ge=0)] = 100
    minor_units_per_kwh: Annotated[int, msgspec.Meta(ge=0)] = 25
    currency: str = "EUR-cent"
    interval_s: Positive = 900.0
    baseline_holds_s: Positive = 1800.0
    """So long after it was frozen a baseline is believed; what a longer request saves then earns nothing."""
    min_measured_share: Share = 0.8
    """of a request's samples, and of an interval's time; with less the meters prove nothing"""
    holidays: str | None = None
    """The calendar of public holidays, such as `DE` or `DE-BY`: published baselines compare these days with
    Sundays. Without it no day is a holiday."""
    dispute_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 60
    """A settlement may be disputed for so long."""
    budget_points: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """So far below zero facts and bill credits may take the programme's budget; None: any depth."""
    budget_minor_units: Annotated[int, msgspec.Meta(ge=0)] | None = None
    redemption_days: Annotated[int, msgspec.Meta(ge=1)] = 30
    """A redemption that is not fulfilled by then is voided, and the points are back."""
    earning: tuple[Earning, ...] = ()
    catalogue: tuple[Item, ...] = ()
    tier: tuple[Tier, ...] = ()
    expiry: Expiry | None = None
    """None: points last for ever."""


class OpenId(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that people sign in with, by OpenID Connect."""

    issuer: str
    """as it calls itself: `https://login.example.org/realms/grid`"""
    client_id: str
    client_secret_file: Path
    roles: dict[str, Literal["viewer", "operator", "supervisor", "engineer", "auditor"]]
    """by group; of several the first listed counts"""
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    ca_file: Path | None = None
    """The provider's certificate may also be by one of these; the system's authorities count in any case."""


class Api(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the console and the API answer."""

    host: str = "127.0.0.1"
    port: Port = 8080
    operator_token_file: Path | None = None
    """One token for all who know it; without it commands need an account, or a token of one's own."""
    accounts: Path = Path("state/accounts.sqlite3")
    """who may sign in, and as what: see `gridward accounts`"""
    openid: OpenId | None = None
    """Needs `public_url`, and there the address `/api/v1/session/openid/back` as the provider's redirect."""
    public_url: str | None = None
    """Where people reach the API from outside, such as `https://people.example.org`: notices then hold links
    by which they answer. With https nobody signs in without TLS."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies in front, whose word counts on whose request it is."""
    sign_in_to_look: bool = False
    """Feeders and the live stream are for those who are signed in, or show a token."""
    map_tiles: TileUrl | None = None
    """Where the map beneath a feeder comes from, with `{z}`, `{x}` and `{y}`; browsers fetch it from there.
    None: the network is drawn on plain ground."""
    map_attribution: str = ""
    """what the maker of the map wants to be read beside it"""


class Store(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the journal and the readings are kept."""

    path: Path = Path("state/gridward.sqlite3")
    """of the SQLite store; not used with `postgres`"""
    postgres: str | None = None
    """A libpq URL or `key=value` text, without a password: the store is this PostgreSQL database."""
    password_file: Path | None = None
    """of PostgreSQL; without it libpq's own ways count"""
    durable: bool = True
    """False only in simulations: no fsync."""
    keep_samples_days: Positive = 14.0
    history: Path | None = None
    """Older readings go there, as Parquet files, one for each feeder and day; None: into `history` beside
    `path`."""
    keep_history_days: NotNegative = 400.0
    """and stay so long; 0: there is no history."""
    most_recorded_bytes: Annotated[int, msgspec.Meta(ge=2**20)] = 4 * 2**30
    """of states that are kept to be replayed, of all feeders; beyond it the oldest are deleted"""

    @property
    def kind(self) -> str:
        """What keeps it."""
        return "sqlite" if self.postgres is None else "postgres"

    @property
    def history_folder(self) -> Path:
        """Where the history of readings is."""
        return self.path.parent / "history" if self.history is None else self.history


class Journal(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the journal is sealed."""

    signing_key_file: Path = Path("state/journal.key")
    """Checkpoints are signed with this; made on first start when it is missing."""
    checkpoint_every_s: Positive = 300.0
    checkpoint_every_entries: Annotated[int, msgspec.Meta(ge=1)] = 1000
    """A checkpoint is due by whichever comes first."""
    checkpoint_file: Path | None = None
    """A second place for the signed checkpoints, best where the store's owner cannot write."""


class Contacts(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where names and addresses are kept, apart from all else."""

    path: Path = Path("state/contacts.sqlite3")
    keep_days: Positive = 365.0
    """So long after the supply or the enrolment ended; `gridward contacts purge` erases them then."""


class NoticeWay(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to tell people something."""

    name: str
    """as the journal and `channels` in contacts.csv call it"""
    url: str | None = None
    """of the apprise library, with {email}, {phone}, {push}, {customer} and {secret}; None: the app, which
    hears of it through the broker"""
    secret_file: Path | None = None
    """what stands for {secret}"""
    per_hour: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """words to one person by this way"""
    per_day: Annotated[int, msgspec.Meta(ge=1)] | None = None
    most_at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    customers: tuple[str, ...] | None = None
    """None: for everybody"""


class Notices(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How people are told; without a `[[notices.channel]]` through the broker alone."""

    channel: tuple[NoticeWay, ...] = ()
    """in the order in which they are tried"""
    reaches: Literal["first", "all"] = "first"
    """the first channel that takes a word, and an app that stands before it; or all"""
    per_hour: Annotated[int, msgspec.Meta(ge=1)] | None = 6
    """words to one person, by all channels together"""
    per_day: Annotated[int, msgspec.Meta(ge=1)] | None = 20
    quiet: str | None = None
    """`22:00-07:00` in the site's time zone: nobody gets a word then, but who is tagged `night_calls_ok`"""
    deadline_s: Positive = 8.0
    """for one channel to take one word"""
    texts: Path | None = None
    """a TOML file with the site's own subjects, texts and short forms"""
    most_sms_parts: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4


class Site(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of SITE.toml."""

    name: str
    secret_file: Path = Path("state/site.secret")
    """Commands are signed with keys derived from this; made on first start when it is missing."""
    feeder: tuple[Feeder, ...]
    broker: Broker = Broker()
    ocpp: Ocpp = Ocpp()
    openadr: OpenAdr | None = None
    vtn: tuple[ForeignVtn, ...] = ()
    modbus: Modbus = Modbus()
    cycle: Cycle = Cycle()
    limits: Limits = Limits()
    events: Events = Events()
    look_ahead: LookAhead = LookAhead()
    requests: Requests = Requests()
    safety: Safety = Safety()
    orders: Orders = Orders()
    alarms: Alarms = Alarms()
    rewards: Rewards = Rewards()
    api: Api = Api()
    store: Store = Store()
    journal: Journal = Journal()
    contacts: Contacts = Contacts()
    notices: Notices = Notices()
