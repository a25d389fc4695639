"""Settings of one Slipway installation.

Everything an operator may change is an environment variable that starts with `SLIPWAY_`; the rest is decided here.
No other module reads the environment.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF, UNSAFE_INLINE

from slipway.core.environment import apart, flag, megabytes, networks, number, short_run_folder, text, words

ROOT = Path(__file__).resolve().parents[3]

# Where everything that this installation writes lives: database, engine, sockets, logs.
SLIPWAY_VAR = Path(text("SLIPWAY_VAR", str(ROOT / "var"))).resolve()
# Unix sockets must have short names; this is a folder under var/ unless var/ itself lies too deep.
SLIPWAY_RUN = short_run_folder(SLIPWAY_VAR)
# Tells this installation's sandboxes from those of another one on the same engine.
SLIPWAY_INSTALLATION = text("SLIPWAY_INSTALLATION", hashlib.sha256(bytes(SLIPWAY_VAR)).hexdigest()[:12])
# Builds that take minutes (node images, the Kubernetes binary), keyed by a digest of their inputs.
SLIPWAY_CACHE = Path(text("SLIPWAY_CACHE", str(Path.home() / ".cache" / "slipway"))).resolve()
SLIPWAY_EXERCISES = Path(text("SLIPWAY_EXERCISES", str(ROOT / "exercises"))).resolve()


def _secret_key() -> str:
    """The signing key: given, or drawn once and kept under var/ readable by its owner alone."""
    given = os.environ.get("SLIPWAY_SECRET_KEY")
    if given:
        return given
    path = SLIPWAY_VAR / "secret-key"
    if not path.exists():
        SLIPWAY_VAR.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"secret-key.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(48))
        try:
            os.link(temporary, path)  # the first of several processes wins
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text()


SECRET_KEY = _secret_key()
DEBUG = flag("SLIPWAY_DEBUG", default=False)
ALLOWED_HOSTS = words("SLIPWAY_HOSTS", "localhost 127.0.0.1 [::1]")
# Behind a proxy that ends TLS: cookies are sent over TLS only, and the proxy's header is believed.
SLIPWAY_TLS = flag("SLIPWAY_TLS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SLIPWAY_TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
if SLIPWAY_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = words("SLIPWAY_ORIGINS", "")
if SLIPWAY_TLS:
    # A page below the same domain, a preview's say, could plant a cookie of another name in our own.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
# Each preview of a node's port is an origin of its own, LABEL.HOST; on this machine LABEL.localhost needs no setting.
SLIPWAY_PREVIEW_HOST = apart(
    "SLIPWAY_PREVIEW_HOST", text("SLIPWAY_PREVIEW_HOST", ""), hosts=ALLOWED_HOSTS, origins=CSRF_TRUSTED_ORIGINS
)

# Two-node sandboxes a machine carries follow from its memory: an idle node takes some 60 MiB and a busy one
# a few hundred, so two nodes a GiB leave room for the platform itself.
_MEMORY_GIB = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
SLIPWAY_CAPACITY_NODES = number("SLIPWAY_CAPACITY_NODES", max(2, 2 * _MEMORY_GIB))
SLIPWAY_SANDBOXES_PER_PERSON = number("SLIPWAY_SANDBOXES_PER_PERSON", 2)
SLIPWAY_GUESTS = flag("SLIPWAY_GUESTS", default=True)
SLIPWAY_GUESTS_PER_HOUR = number("SLIPWAY_GUESTS_PER_HOUR", 60)  # from one address
SLIPWAY_SIGNUP = flag("SLIPWAY_SIGNUP", default=True)

# What a node gets unless its exercise asks for more, and the most an exercise may ask for.
SLIPWAY_NODE_MEMORY = megabytes("SLIPWAY_NODE_MEMORY_MB", 1024)
SLIPWAY_CONTROL_MEMORY = megabytes("SLIPWAY_CONTROL_MEMORY_MB", 1536)  # of a Kubernetes control plane
SLIPWAY_NODE_MEMORY_MAX = megabytes("SLIPWAY_NODE_MEMORY_MAX_MB", 4096)
SLIPWAY_NODE_DISK = megabytes("SLIPWAY_NODE_DISK_MB", 4096)
SLIPWAY_NODE_DISK_MAX = megabytes("SLIPWAY_NODE_DISK_MAX_MB", 16384)
SLIPWAY_NODE_CPUS = number("SLIPWAY_NODE_CPUS", 2)
SLIPWAY_NODE_PIDS = number("SLIPWAY_NODE_PIDS", 1024)

# Seconds: how long machines live at first, what "extend" adds, the most in all, and how long nobody may watch.
SLIPWAY_LEASE = number("SLIPWAY_LEASE", 60 * 60)
SLIPWAY_LEASE_EXTENSION = number("SLIPWAY_LEASE_EXTENSION", 30 * 60)
SLIPWAY_LEASE_MAX = number("SLIPWAY_LEASE_MAX", 4 * 60 * 60)
SLIPWAY_IDLE_LIMIT = number("SLIPWAY_IDLE_LIMIT", 45 * 60)
SLIPWAY_START_LIMIT = number("SLIPWAY_START_LIMIT", 90)

SLIPWAY_LATER_IMAGES = flag("SLIPWAY_LATER_IMAGES", default=True)  # whether `serve` builds Kubernetes nodes' image
SLIPWAY_BACKEND = text("SLIPWAY_BACKEND", "docker")
SLIPWAY_DOCKER_HOST = text("SLIPWAY_DOCKER_HOST", f"unix://{SLIPWAY_RUN / 'docker.sock'}")
SLIPWAY_OWN_ENGINE = "SLIPWAY_DOCKER_HOST" not in os.environ
SLIPWAY_REDIS_SOCKET = Path(text("SLIPWAY_REDIS_SOCKET", str(SLIPWAY_RUN / "redis.sock")))
SLIPWAY_PORT = number("SLIPWAY_PORT", 8000)
SLIPWAY_LISTEN = text("SLIPWAY_LISTEN", "127.0.0.1")
SLIPWAY_METRICS_FROM = networks("SLIPWAY_METRICS_FROM", "127.0.0.0/8 ::1")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "channels",
    "csp",
    "slipway.core",
    "slipway.accounts",
    "slipway.sandboxes",
    "slipway.clusters",
    "slipway.terminals",
    "slipway.checks",
    "slipway.previews",
    "slipway.exercises",
    "slipway.attempts",
    "slipway.operations",
    "labs",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "slipway.core.middleware.BrieflyAway",
]
ROOT_URLCONF = "slipway.config.urls"
ASGI_APPLICATION = "slipway.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "slipway.accounts.context.sign_in_choices",
            ],
        },
    },
]

DATABASES = {
    "default": dj_database_url.parse(
        text("SLIPWAY_DATABASE_URL", f"sqlite:///{SLIPWAY_VAR / 'slipway.sqlite3'}"), conn_max_age=60
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers wait for one another instead of failing; readers never wait (write-ahead log).
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 10,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_REDIS_URL = f"unix://{SLIPWAY_REDIS_SOCKET}"
SLIPWAY_REDIS_URL = _REDIS_URL
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _REDIS_URL}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # Listeners wait 5 s at a time in Redis; a socket that gave up as early would cut off every quiet page.
        "CONFIG": {"hosts": [{"address": _REDIS_URL, "socket_timeout": 15}], "capacity": 1000, "expiry": 30},
    }
}

CELERY_BROKER_URL = f"redis+socket://{SLIPWAY_REDIS_SOCKET}"
CELERY_TASK_IGNORE_RESULT = True
# A task that a dying worker held is not Redis's to give back: the reaper sees what was left and asks again.
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "slipway.sandboxes.tasks.reap", "schedule": 3.0, "options": {"expires": 3.0}},
    "sweep": {"task": "slipway.attempts.tasks.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(SLIPWAY_VAR / "beat-schedule")

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "slipway.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "slipway.accounts.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # a self-hosted installation need not have a mail server
ACCOUNT_LOGOUT_ON_GET = False
# Without a mail server no password is reset by mail; the page says so.
SLIPWAY_MAIL_HOST = EMAIL_HOST = text("SLIPWAY_MAIL_HOST", "")
EMAIL_PORT = number("SLIPWAY_MAIL_PORT", 25)
DEFAULT_FROM_EMAIL = text("SLIPWAY_MAIL_FROM", "slipway@localhost")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if SLIPWAY_MAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_TIMEOUT = 10
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "labs:catalogue"
LOGOUT_REDIRECT_URL = "labs:catalogue"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [ROOT / "templates" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = SLIPWAY_VAR / "static"
STATICFILES_DIRS = [ROOT / "static" / "dist"]
WHITENOISE_USE_FINDERS = True
# Vite writes content hashes into the names of what it builds: those never change.
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+-[0-9A-Za-z_-]{8}\.[a-z0-9]+$"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # xterm.js measures and colours with style elements it makes itself; scripts stay strict.
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "frame-src": [f"*.{host}:*" for host in ("localhost", SLIPWAY_PREVIEW_HOST) if host],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LOGGING_CONFIG = "slipway.core.logs.configure"
LOGGING = {"level": text("SLIPWAY_LOG_LEVEL", "INFO"), "json": flag("SLIPWAY_LOG_JSON", default=False)}
