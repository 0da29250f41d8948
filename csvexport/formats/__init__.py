"""The only room that knows the files Yandex accepts."""
