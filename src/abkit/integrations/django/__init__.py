"""Django: `INSTALLED_APPS += ["abkit.integrations.django"]`. See docs/howto/django.md."""
