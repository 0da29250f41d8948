"""Files that are meant for Yandex, judged as Yandex sees them, whoever wrote them."""
