from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sandboxes", "0004_image_missing"),
    ]

    operations = [
        migrations.AddField(
            model_name="sandbox",
            name="untold",
            field=models.JSONField(default=list),
        ),
    ]
