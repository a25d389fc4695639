"""Django's command that gathers sentences for translation, which here also finds those that errors carry.

An error's sentence is written where it is raised and translated where it is shown; nothing else would find it.
"""

from __future__ import annotations

from django.core.management.commands.makemessages import Command as Base


class Command(Base):
    """`manage.py makemessages -l es`: gather what is new into templates/locale."""

    xgettext_options = [*Base.xgettext_options, "--keyword=LearnerError:2", "--keyword=EngineError:2"]
