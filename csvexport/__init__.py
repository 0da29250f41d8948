"""CRM exports in, the files that Yandex Metrica and Yandex Direct accept as offline conversions out."""
