"""What the name of a column promises, in Russian and English."""

import re
from typing import Final

from csvexport.findings import Role

_FOREIGN: Final = r"\b(?:google|ga|ua|gclid|facebook|fb|vk|calltouch|ct|roistat|mango|manager|responsible|created|by)\b"
_METRICA: Final = r"\b(?:ym|ya|yandex|яндекс\w*|metri[ck]a|метрик\w*)\b"
_VISITOR: Final = r"\b(?:client ?id|clid|uid|cid|id|ид|идентификатор)\b"
_PLANNED: Final = r"предполаг|планир|ожид|expected|plan|estimated|\bdue\b"
_CHANGED: Final = r"измен|обновл|modif|updat|change|рожд|birth|\bby\b|\bкем\b|\bкто\b"
_NO_TEXT: Final = r"\b(?:дата|date|время|time|at|комментарий|comment|updated|reason|причина)\b"
_PART: Final = r"скидк|предоплат|аванс|налог|ндс|себестоим|доставк|discount|prepay|tax|vat|cost|shipping|delivery"

_PATTERNS: Final = (
    (Role.YCLID, r"\byclid\b|\b(?:yandex|яндекс\w*)\b.*\b(?:click id|клик\w*)\b", None),
    (Role.CLIENT_ID, rf"{_METRICA}.*{_VISITOR}|{_VISITOR}.*{_METRICA}|^(?:client ?id|clientid)(?: \d+)?$", _FOREIGN),
    (Role.USER_ID, r"^(?:user ?id|(?:id|ид) пользователя)(?: метрики)?$", None),
    (Role.EMAIL, r"\be ?mails?\b|\bпочт[аы]\b|\bимейл\b", None),
    (Role.PHONE, r"\bтел(?:ефон)?\b|\bphones?\b|\btel\b|\bcaller ?number\b|номер (?:абонента|звонящего)", None),
    (Role.CURRENCY, r"\bвалюта\b|\bcurrency\b", None),
    (
        Role.PAID,
        (
            r"дата (?:и время )?(?:полной )?(?:оплаты|закрытия|завершения|продажи|выдачи|выполнения)|\bclose ?date\b"
            r"|\b(?:paid|payed|closed|won|completed) (?:at|on|date|time)\b|\bdate (?:paid|closed|won|completed)\b"
            r"|\b(?:payment|closing|sale) (?:date|time)\b|^оплачен[оа]?$|^paid$"
        ),
        _PLANNED,
    ),
    (
        Role.CREATED,
        (
            r"дата (?:и время )?(?:создания|оформления|заявки|звонка|обращения|поступления|заказа|начала|добавления)"
            r"|^создан[оа]?$|\bcreated\b|\bdate ?create\b|\bdate added\b|\border date\b|\bcall (?:date|time)\b"
            r"|\bstart (?:time|date)\b|\bcreate ?(?:date|time)\b|\bcreation date\b"
            r"|^(?:дата|date|дата и время|datetime|timestamp)$"
        ),
        _CHANGED,
    ),
    (Role.PIPELINE, r"\bворонка\b|\bpipeline\b|^category(?: id)?$|\bfunnel\b", _NO_TEXT),
    (Role.STATUS, r"\bстатус\b|\bстадия\b|\bэтап\b|\bstatus\b|\bstage\b|^состояние\b", _NO_TEXT),
    (
        Role.AMOUNT,
        (
            r"\bсумма\b|\bбюджет\b|\bцена\b|\bстоимость\b|\bвыручка\b|\bamount\b|\bprice\b|\btotal(?: ?summ?)?\b"
            r"|\bopportunity\b|\brevenue\b|\bbudget\b|\bsumm?\b"
        ),
        _PART,
    ),
    (
        Role.CLIENT,
        (
            r"\b(?:id|ид|код|номер) (?:клиента|контакта|контрагента|покупателя)\b"
            r"|\b(?:client|customer|contact) (?:uniq )?(?:id|number|code)\b"
            r"|\b(?:клиент|контакт|контрагент|покупатель) (?:id|ид|код|номер)\b"
        ),
        _FOREIGN,
    ),
    (
        Role.ORDER,
        (
            r"^(?:id|ид|№|number|номер|external id)$|\b(?:id|ид|номер|код) (?:заказа|сделки|лида|заявки|звонка)\b"
            r"|\b(?:order|deal|lead|call) (?:id|number)\b"
        ),
        None,
    ),
    (
        Role.PERSON,
        (
            r"\bконтакт\b|\bимя\b|\bфамилия\b|\bотчество\b|\bфио\b|^клиент$|\bпокупатель\b|\bзаказчик\b|\bконтрагент\b"
            r"|\bответственный\b|\bменеджер\b|\bадрес\b|\bcontact\b|\bcustomer\b|\b(?:first|last|full|client) name\b"
            r"|\baddress\b|\bresponsible\b|\bmanager\b|\bassigned\b"
        ),
        None,
    ),
)
_COMPILED: Final = tuple(
    (role, re.compile(promise), re.compile(denial) if denial else None) for role, promise, denial in _PATTERNS
)

_HUMP: Final = re.compile(r"(?<=[a-zа-яё0-9])(?=[A-ZА-ЯЁ])")
_NO_WORD: Final = re.compile(r"[^\w№]+|_+")
_AGAIN: Final = re.compile(r" \(\d+\)$")
_STEP: Final = re.compile(r"(?<=\S)\.(?=\S)")

# Names that say nothing without the one before: `customer.id`.
_GENERAL: Final = frozenset({"id", "ид", "number", "номер", "name", "наименование", "code", "value", "type", "date"})


def words(name: str) -> str:
    """The words of a column's name, folded: `yaClientId` is "ya client id", `Дата_создания` "дата создания".

    Of the way to a value in JSON or XML the last name counts: `order.createdAt` is "created at"; a general one together
    with the one before: `customer.id` is "customer id".
    """
    *way, last = _STEP.split(_AGAIN.sub("", name))
    if way and last.casefold() in _GENERAL:
        last = f"{way[-1]} {last}"
    spaced = _NO_WORD.sub(" ", _HUMP.sub(" ", last))
    return spaced.casefold().replace("ё", "е").strip()


def named_role(name: str) -> Role | None:
    """The role that a column's name promises, if any."""
    folded = words(name)
    for role, promise, denial in _COMPILED:
        if promise.search(folded) and not (denial and denial.search(folded)):
            return role
    return None


# Statuses that certainly mean that the client paid, and words beside which they do not.
_PAID: Final = re.compile(
    r"\bоплачен[аоы]?\b|\bуспешно реализован[аоы]?\b|\bвыполнен[аоы]?\b|\bсделка (?:успешна|выиграна)\b"
    r"|\b(?:paid|won|completed)\b"
)
_UNPAID: Final = re.compile(
    r"\bне\b|част|отказ|отмен|возвра|аванс|ожида|\bждет\b|\bк оплате\b|задатк|\bnot\b|\bun|partial|refund|cancel"
    r"|await|wait|pending|lost|\bto be\b|%|\d|\?"
)


def means_paid(status: str) -> bool:
    """Whether a status certainly means that the client paid."""
    folded = status.casefold().replace("ё", "е").replace("_", " ").replace("-", " ")
    return bool(_PAID.search(folded)) and not _UNPAID.search(folded)
