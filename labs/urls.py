"""Addresses of the learner's side."""

from django.urls import path

from labs import views

app_name = "labs"
urlpatterns = [
    path("", views.catalogue, name="catalogue"),
    path("my-labs/", views.my_labs, name="my_labs"),
    path("labs/<slug:slug>/", views.about, name="about"),
    path("labs/<slug:slug>/start", views.start, name="start"),
    path("labs/<slug:slug>/assets/<path:name>", views.asset, name="asset"),
    path("attempts/<uuid:attempt_id>/", views.lab, name="lab"),
    path("attempts/<uuid:attempt_id>/steps/<slug:slug>", views.guide, name="guide"),
    path("attempts/<uuid:attempt_id>/preview", views.preview, name="preview"),
    path("attempts/<uuid:attempt_id>/previews/<str:node>/<int:port>", views.preview_window, name="preview_window"),
    path("attempts/<uuid:attempt_id>/result/", views.result, name="result"),
    path("attempts/<uuid:attempt_id>/step", views.go_to_step, name="step"),
    path("attempts/<uuid:attempt_id>/check", views.check, name="check"),
    path("attempts/<uuid:attempt_id>/hint", views.hint, name="hint"),
    path("attempts/<uuid:attempt_id>/quiz", views.quiz, name="quiz"),
    path("attempts/<uuid:attempt_id>/watched", views.watched, name="watched"),
    path("attempts/<uuid:attempt_id>/extend", views.extend, name="extend"),
    path("attempts/<uuid:attempt_id>/unplug", views.unplug, name="unplug"),
    path("attempts/<uuid:attempt_id>/stop", views.stop, name="stop"),
    path("attempts/<uuid:attempt_id>/restart", views.restart, name="restart"),
    path("attempts/<uuid:attempt_id>/submit", views.submit, name="submit"),
]
