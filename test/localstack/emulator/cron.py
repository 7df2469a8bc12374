"""EventBridge: one minute of a rule's schedule takes one second, and a disabled rule does not run."""

from datetime import datetime, timedelta

from crontab import CronTab
from localstack.services.events.provider import EventsProvider
from localstack.services.events.scheduler import Job, JobScheduler
from localstack.utils.patch import patch

MINUTE_SECONDS = 1
START = datetime(2026, 1, 1)


def loop(self, *args):
    """LocalStack's own loop checks the schedules once a minute."""
    while not self._stop_event.wait(MINUTE_SECONDS):
        self.minutes += 1
        for job in list(self.jobs):
            job.run()


def should_run_now(self):
    return CronTab(self.schedule).test(START + timedelta(minutes=JobScheduler.instance().minutes))


@patch(EventsProvider._get_scheduled_rule_job_function)
def get_scheduled_rule_job_function(fn, self, account_id, region, rule):
    """LocalStack stores that a rule is disabled, and runs it all the same."""
    run = fn(self, account_id, region, rule)
    return lambda *args, **kwargs: run(*args, **kwargs) if rule.state == "ENABLED" else None


JobScheduler.minutes = 0
JobScheduler.loop = loop
Job.should_run_now = should_run_now
