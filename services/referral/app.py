"""What referral declares to the runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.referral import assessment_file, configuration, programme_files
from services.referral.action_plan.handlers import DUE, ActionPlan
from services.referral.assessment_endpoints import Assessments
from services.referral.carrying_out import Decided
from services.referral.catalogue import PRODUCED, STAFF_CALLS
from services.referral.choosing import Choosing
from services.referral.documents import read_intake, receipt
from services.referral.drop_ins import TOPIC as DROP_INS
from services.referral.drop_ins import DropIns
from services.referral.endpoints_choice import FreeChoice
from services.referral.endpoints_custody import Custody
from services.referral.endpoints_dialogue import Conversations
from services.referral.endpoints_plan import Plans
from services.referral.endpoints_reopening import Reopening
from services.referral.evaluation.handlers import Evaluation
from services.referral.evaluation.timers import ASK
from services.referral.evaluation.wire import TOPIC as EVALUATIONS
from services.referral.handlers_intake import Intake
from services.referral.handlers_notifications import TOPIC as MESSAGES
from services.referral.handlers_notifications import Undelivered
from services.referral.handlers_training import ASSESSMENT_MISSING, Clock
from services.referral.metrics import Metrics
from services.referral.portfolio import handlers as portfolio_register
from services.referral.portfolio.wire import TOPIC
from services.referral.referral_endpoints import Referrals
from services.referral.register import Register, key_bytes
from services.referral.replying import Office, referral_key
from services.referral.rights.endpoints import Rights
from services.referral.rights.retention import Retention, rules, tidying
from services.referral.settings import ReferralSettings
from services.referral.suppliers import with_suppliers
from services.referral.timers import AT_RISK, MISSED, Timetable
from services.referral.worklist_endpoints import Worklist
from services.referral.worklist_metrics import watch_worklist
from shared.crypto import Vault
from shared.journal import Journal
from shared.service import Service, Subscription

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def register(settings: ReferralSettings) -> Register:
    """The register of citizens under the configured keys."""
    return Register(
        id_key=key_bytes(settings.id_key.get_secret_value()),
        cpr_key=key_bytes(settings.cpr_key.get_secret_value()),
        records=Vault(settings.citizens_keys.get_secret_value()),
        vault=Vault(settings.vault_keys.get_secret_value()),
    )


def service(settings: ReferralSettings) -> Service:
    """Referral as the runtime runs it. Raises SettingsError or ClusterFileError."""
    portfolio = programme_files.load(settings.programmes)
    directory = with_suppliers(configuration.directory(settings.municipalities), settings.topics)
    configuration.check_programmes(directory, portfolio.programmes)
    timetable = Timetable(portfolio=portfolio, municipalities=directory.by_code)
    metrics = Metrics()
    office = Office(
        hospitals=configuration.Hospitals(settings.topics),
        directory=directory,
        portfolio=portfolio,
        register=register(settings),
        timetable=timetable,
        acknowledge=receipt,
    )
    conversations = Conversations(register=office.register, directory=directory)
    policy = assessment_file.load(settings.assessment)
    clock = Clock(
        directory=directory,
        portfolio=portfolio,
        timetable=timetable,
        metrics=metrics,
        policy=policy,
    )
    decided = Decided(directory=directory, portfolio=portfolio, timetable=timetable)
    choosing = Choosing(decided=decided, register=office.register)
    worklist = Worklist(decided=decided, register=office.register)
    assessments = Assessments(decided=decided, register=office.register, policy=policy)
    evaluation = Evaluation(portfolio=portfolio, register=office.register)
    action_plan = ActionPlan(decided=decided, register=office.register)
    drop_ins = DropIns(programmes=portfolio.programmes)
    rights = Rights(decided=decided, register=office.register)
    retention = Retention(office.register, rules(settings.retention))
    endpoints = [
        *worklist.endpoints(),
        *Custody(decided=decided, register=office.register).endpoints(),
        *rights.endpoints(),
        *conversations.endpoints(),
        *FreeChoice(choosing=choosing).endpoints(),
        *Plans(register=office.register).endpoints(),
        *Reopening(choosing=choosing).endpoints(),
        *portfolio_register.ENDPOINTS,
        *evaluation.endpoints(),
        *action_plan.endpoints(),
        *drop_ins.endpoints(),
        *Referrals(decided=decided).endpoints(),
        *assessments.endpoints(),
    ]
    journal = Journal(
        topic=STAFF_CALLS,
        endpoints=endpoints,
        vault=office.register.vault,
        waits_for=referral_key,
    )
    return Service(
        name=ReferralSettings.service,
        migrations=MIGRATIONS,
        subscriptions=[
            Subscription(
                topics=[configuration.INTAKE, configuration.OTHERS],
                handler=Intake(office=office, read=read_intake, metrics=metrics),
                kind="intake",
            ),
            Subscription(topics=["training"], handler=clock.training),
            Subscription(topics=[MESSAGES], handler=Undelivered(decided=decided).heard),
            Subscription(topics=[TOPIC], handler=portfolio_register.hear),
            Subscription(topics=[EVALUATIONS], handler=evaluation.hear),
            Subscription(topics=[DROP_INS], handler=drop_ins.hear),
            Subscription(topics=[STAFF_CALLS], handler=journal.again),
        ],
        timers={
            AT_RISK: clock.due,
            MISSED: clock.due,
            ASK: evaluation.due,
            DUE: action_plan.due,
            ASSESSMENT_MISSING: clock.assessment_due,
        },
        tasks=[metrics.show, watch_worklist(metrics), tidying(retention)],
        endpoints=endpoints,
        journal=journal,
        produces=PRODUCED,
    )
