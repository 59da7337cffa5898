"""For uvicorn."""

import os

from django.core.asgi import get_asgi_application

from abkit.integrations.django.asgi import flushed_at_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
application = flushed_at_shutdown(get_asgi_application())
