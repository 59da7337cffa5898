"""What the directory lists."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Integration:
    """Something to connect with."""

    slug: str
    name: str
    category: str
    description: str
    is_plugin: bool = False


_ALL = [
    Integration("slack", "Slack", "Chat", "Hear of new issues in the channels of your teams."),
    Integration("github", "GitHub", "Source code", "See which commit caused an issue."),
    Integration("jira", "Jira", "Issue tracking", "Keep tickets and issues in step."),
    Integration("pagerduty", "PagerDuty", "Alerting", "Wake whoever is on call, and nobody else."),
    Integration("gitlab", "GitLab", "Source code", "Link stack traces with your code."),
    Integration("linear", "Linear", "Issue tracking", "Plan the fix in the cycle that you are in."),
    Integration("teams", "Microsoft Teams", "Chat", "Resolve issues in a conversation."),
    Integration("vercel", "Vercel", "Deployment", "Upload source maps with each deployment."),
    Integration("opsgenie", "Opsgenie", "Alerting", "Route alerts by service and by hour."),
    Integration("heroku", "Heroku", "Deployment", "Tell releases from your dynos.", is_plugin=True),
    Integration("trello", "Trello", "Issue tracking", "Make a card of an issue.", is_plugin=True),
    Integration("twilio", "Twilio", "Alerting", "Send alerts as text messages.", is_plugin=True),
    Integration("webhooks", "WebHooks", "Developer", "Post events to any URL.", is_plugin=True),
    Integration("redmine", "Redmine", "Issue tracking", "Open Redmine tickets.", is_plugin=True),
    Integration("splunk", "Splunk", "Developer", "Forward events to Splunk.", is_plugin=True),
]
INTEGRATIONS = {integration.slug: integration for integration in _ALL}
