"""Personal data: recognised by a column's name and by its values, in many countries' forms, and never written out.

Three rules hold wherever something of a tape leaves the computer's memory (messages, reports, models, drafts, scores):

- a column of personal data is not kept; a key that is personal is replaced (:func:`coded`);
- a text that fewer than :data:`LEAST` loans share is pooled (:func:`pooled`) or shown by its shape (:func:`masked`);
- a text that looks personal is not shown, however many loans share it.

Check digits are those of python-stdnum, or of the office that issues the number where it has none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from p2prisk.escape import visible
from p2prisk.tape.persons import mostly_persons, person_in, without_persons

if TYPE_CHECKING:
    from collections.abc import Iterable

#: a text is shown if at least so many loans share it
LEAST = 5
#: what stands for the levels of fewer loans
POOLED = "other (fewer than 5 loans each)"

# ---------------------------------------------------------------- names of columns

# whole words of a header (lower case, blanks for other marks) ...
_WORDS = """
name names surname forename username nickname vorname nachname familienname geburtsname kundenname nom prenom prénom
nombre nombres apellido apellidos nome cognome sobrenome naam voornaam achternaam imie imię nazwisko namn förnamn
efternamn soyad adsoyad nama nimi jméno név emri имя фамилия отчество фио
phone phones telephone mobile cell cellphone fax tel telefon telefone telefono teléfono téléphone telefoon handy
handynummer celular cellulare movil móvil телефон msisdn telefonnummer rufnummer mobilnummer handynr
mail email courriel correo почта
address addresses street adresse anschrift strasse straße hausnummer wohnort domicile domicilio direccion dirección
indirizzo endereco endereço adres adress gatuadress адрес улица
idcard idno passport passeport pasaporte passaporto reisepass paszport паспорт ssn itin nino nin nhs steuerid
steueridentifikationsnummer idnr sozialversicherungsnummer svnr nir nss dni nie nif codicefiscale cpf cnh aadhaar
aadhar uidai pan pesel personnummer cpr bsn burgerservicenummer rrn hkid nric mykad curp rfc tckn egn cnp oib hetu
инн снилс
iban kontonummer kontonr bankverbindung kartennummer cvv cvc
birth birthday birthdate dob born geburtsdatum geburtstag naissance nacimiento nascita nascimento geboortedatum
urodzenia födelsedatum рождения
wechat weixin qq whatsapp telegram facebook linkedin skype alipay imei
""".split()
# ... pairs of words ...
_PAIRS = re.compile(
    r"\b(id|identity|identification|national|nationale?|personal|tax|taxpayer|steuer|social security|"
    r"social insurance|national insurance|driver s?|drivers?|voter|resident registration|citizen) "
    r"?(card|number|no|num|nr|nummer|id|licen[cs]e|numero|número)\b|\bid ?(card|number|no|nr)\b|\btc kimlik\b|"
    r"\bcodice fiscale\b|\b(account|acct|card|bank account|konto|compte|cuenta|conto) (no|number|num|nr|nummer|holder)"
    r"\b|"
    r"\b(ip|mac) addr(ess)?\b|\bdevice id\b|\bnum[eé]ro (de )?(carte|compte|s[eé]curit[eé])"
)
# ... and parts of words in scripts that set no blanks
_PARTS = re.compile(
    "姓名|用户名|昵称|真名|手机|电话|联系方式|身份证|身分證|证件|護照|护照|住址|地址|住所|邮箱|郵箱|微信|微博|支付宝|生日|出生|"
    "银行卡|卡号|账号|帐号|户名|驾照|氏名|名前|電話|携帯|メール|マイナンバー|旅券|口座|이름|성명|전화|휴대폰|주소|"
    "이메일|주민등록|여권|계좌|생년월일|नाम|फोन|पता|اسم|هاتف|عنوان|họ tên|địa chỉ|điện thoại"
)
# names of things, not of people
_THINGS = re.compile(
    r"\b(product|purpose|scheme|file|column|field|grade|state|city|county|region|country|branch|tier|campaign|channel|"
    r"platform|bank|industry|sector|job|programme?|status|type|category|series|fund|currency) ?(name|address)\b|"
    r"\baddress (state|type|region)\b|\bname( \w+)+ (type|status)\b|\b(mobile|phone|email|mail|id card|identity) "
    r"?(verified|verification|verify|auth|flag|ok|checked)|\b(has|is|verified|no of|number of|count) "
)
# firms and places, which are named after people
_NAMED_AFTER = re.compile(
    "employer|company|firm|bank|merchant|dealer|lender|originator|brand|shop|store|school|universit|city|town|county|"
    "municip|arbeitgeber|händler|stadt|gemeinde|kreis|ciudad|empresa|ville|commune|comune|azienda|公司|银行|学校|市|县"
)
_FLAGS = set("0 1 0.0 1.0 true false yes no y n t f ja nein oui non sí si да нет 是 否 成功认证 未成功认证".split())


def personal_name(name):
    """Whether the name of a column says that it holds personal data.

    Examples
    --------
    >>> [personal_name(name) for name in ("borrowerName", "Geburtsdatum", "手机号", "product_name", "addr_state")]
    [True, True, True, False, False]
    """
    text = unicodedata.normalize("NFKC", str(name))
    plain = re.sub(r"[\W_]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", text)).lower().strip()
    if _PARTS.search(text.lower()):
        return True
    if _THINGS.search(plain):
        return False
    return bool(set(plain.split()) & _NAMED) or plain.replace(" ", "") in _NAMED or bool(_PAIRS.search(plain))


_NAMED = set(_WORDS)

# ---------------------------------------------------------------- values


@lru_cache
def _valid(module):
    """The check of a number in python-stdnum."""
    return import_module(f"stdnum.{module}").is_valid


def _date(digits, years=("19", "20")):
    """Whether YYYYMMDD or YYMMDD is a day."""
    text = digits if len(digits) == 8 else "19" + digits
    return text[:2] in years and text.isdigit() and "01" <= text[4:6] <= "12" and "01" <= text[6:] <= "31"


def _hong_kong(text):
    """HKID: letters count from 10, a blank 36; weights 9 to 1; the sum divides by 11 (Immigration Department)."""
    plain = re.sub(r"[^A-Z0-9]", "", text).rjust(9)
    values = [
        36 if mark == " " else 10 if (mark == "A" and place == 8) else int(mark, 36) for place, mark in enumerate(plain)
    ]
    return sum(value * (9 - place) for place, value in enumerate(values)) % 11 == 0


def _taiwan(text):
    """National identification card: the letter's number, then weights 8 to 1 and 1; the sum divides by 10."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(text[0]) + 10
    digits = [letter // 10, letter % 10, *map(int, text[1:])]
    return sum(d * w for d, w in zip(digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1), strict=True)) % 10 == 0


def _not_round(text):
    return not re.sub(r"\D", "", text).endswith("000")


def _of(module):
    return lambda text: _valid(module)(text)


#: what -> (pattern within a text, check of the match or None): few other texts look like this
_STRONG = {
    "e-mail address": (r"[^\s@,;<>\"']{1,64}@[^\s@,;<>\"']{1,200}\.[^\W\d_]{2,24}", None),
    "identity number": (  # China: region, day of birth, serial number, check digit; also with stars
        r"(?<![0-9A-Za-z])[1-9]\d{5}(\d{8})\d{3}[\dXx](?![0-9A-Za-z])",
        lambda text: _date(text[6:14], ("18", "19", "20")),
    ),
    "identity number, hidden in part": (r"(?<!\d)\d{4,6}\*{4,}[\dXx*]{2,}(?![\d*])", None),
    "phone number": (
        r"(?<![\d+.,-])(?:\+|00)[1-9]\d{0,2}[ .()/-]{1,2}(?:\d[ .()/-]{0,2}){6,12}\d(?!\d)"
        r"|(?<![\d.])\+[1-9]\d{8,14}(?!\d)"
        r"|(?<![\d.,-])(?:\+?86[- ]?)?1[3-9]\d[ -]?[\d*]{4}[ -]?\d{4}(?![\d.])"  # China
        r"|(?<![\d.,-])1[3-9]\d\.\d{4}\.\d{4}(?![\d.,])"  # the same by dots
        r"|(?<![\d.,])\(\d{2,5}\)[ .-]?\d{3,5}[ .-]?\d{3,5}(?!\d)"
        r"|(?<![\d.,-])(?:1[ .-])?\d{3}[.-]\d{3}[.-]\d{4}(?![\d.,-])"
        r"|(?<![\d.,-])\d{3} \d{3}[ -]\d{4}(?![\d.,-])"  # North America
        r"|(?<![\d.,/-])0\d{2,4}[ /-]\d{3,9}(?:[ -]\d{2,5})?(?![\d.,/-])"  # Germany, Britain, Korea, Japan, ...
        r"|(?<![\d.,-])0\d(?:[ .-]\d{2}){4}(?![\d.,-])",  # France
        _not_round,
    ),
    "social security number (US)": (r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])", None),
    "national insurance number (GB)": (
        r"(?<![A-Z0-9])(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
        r" ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z0-9])",
        None,
    ),
    "social security number (FR)": (
        r"(?<![0-9A-Za-z])[1-478] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB])"
        r" ?\d{3} ?\d{3} ?\d{2}(?![0-9A-Za-z])",
        _of("fr.nir"),
    ),
    "identity number (ES)": (r"(?<![A-Z0-9])(?:\d{8}|[XYZ]-?\d{7})-?[A-Z](?![A-Z0-9])", _of("es.nif")),
    "codice fiscale (IT)": (
        r"(?<![A-Z0-9])[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?![A-Z0-9])",
        _of("it.codicefiscale"),
    ),
    "tax number (BR)": (r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)", _of("br.cpf")),
    "Aadhaar number (IN)": (r"(?<!\d)[2-9]\d{3}[ -]\d{4}[ -]\d{4}(?![ -]?\d)", None),
    "tax number (IN)": (r"(?<![A-Z0-9])[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z](?![A-Z0-9])", None),
    "identity number (SE, DK, FI, LV)": (
        r"(?<![\d-])\d{6}[-+A]\d{3}[\dA-Y](?![\w-])",
        lambda text: _date(text[:6]) or _date(text[4:6] + text[2:4] + text[:2]),
    ),
    "identity number (KR)": (r"(?<![\d-])\d{6}-[1-8][\d*]{6}(?![\d-])", lambda text: _date(text[:6])),
    "identity number (HK)": (r"(?<![A-Z0-9])[A-Z]{1,2}\d{6}\([0-9A]\)", _hong_kong),
    "identity number (SG)": (r"(?<![A-Z0-9])[STFGM]\d{7}[A-Z](?![A-Z0-9])", None),
    "identity number (MX)": (r"(?<![A-Z0-9])[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d(?![A-Z0-9])", None),
    "identity number (CL)": (r"(?<!\d)\d{1,2}\.\d{3}\.\d{3}-[\dkK](?!\d)", None),
    "identity number (CH)": (r"(?<!\d)756\.\d{4}\.\d{4}\.\d{2}(?!\d)", None),
    "identity number (BE)": (r"(?<!\d)\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}(?!\d)", None),
    "account number (IBAN)": (r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}(?![A-Z0-9])", _of("iban")),
    "card number": (
        r"(?<![\d.,])(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|62\d{2}|6011|65\d{2}|35\d{2})"
        r"([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?(?!\d)"
        r"|(?<![\d.,])3[47]\d{2}[ -]\d{6}[ -]\d{5}(?!\d)",
        _of("luhn"),
    ),
    "passport": (
        r"P[A-Z<][A-Z]{3}[A-Z]+<[A-Z<]{6,}|(?i:passport|passport no|护照|reisepass)\W{0,3}[A-Z0-9]{7,9}\b",
        None,
    ),
    "address": (
        r"(?i:(?<![\w.])\d{1,5}[a-z]?,? (?:[\w.'-]+ ){1,4}(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|"
        r"court|square|terrace|close)\b|\w(?:straße|strasse|str\.|weg|gasse|platz|allee|gatan|vägen|straat|laan"
        r"|gracht) "
        r"\d{1,4}\b|\b(?:rue|boulevard|avenue|via|viale|piazza|corso|calle|avenida|carrer|rua|ulica|ul\.|улица|ул\.)"
        r" [^\d]{3,40}\d{1,4}\b)|[路街道巷弄村].{0,12}\d+\s*[号弄室栋幢號]|\d丁目|番地|[로길] ?\d+(?:-\d+)?(?:\s|$)",
        None,
    ),
}
#: kind -> (pattern of the whole value, check): one number in ten passes by chance, so that a column must hold many
_WEAK = {
    "card number": (r"(?:4|5[1-5]|2[2-7]|62|6011|65|35|3[47])\d{11,17}", "luhn"),
    "tax number (DE)": (r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", "de.idnr"),
    "identity number (PL)": (r"\d{11}", "pl.pesel"),
    "identity number (SE)": (r"(?:\d{2})?\d{10}", "se.personnummer"),
    "identity number (NL)": (r"\d{9}", "nl.bsn"),
    "identity number (BR)": (r"\d{11}", "br.cpf"),
    "Aadhaar number (IN)": (r"[2-9]\d{11}", "in_.aadhaar"),
    "identity number (TR)": (r"[1-9]\d{10}", "tr.tckimlik"),
    "identity number (NO)": (r"\d{11}", "no.fodselsnummer"),
    "identity number (RO)": (r"[1-9]\d{12}", "ro.cnp"),
    "identity number (BG)": (r"\d{10}", "bg.egn"),
    "identity number (HR)": (r"\d{11}", "hr.oib"),
    "identity number (BE)": (r"\d{11}", "be.nn"),
    "identity number (CZ)": (r"\d{6}/?\d{4}", "cz.rc"),
    "identity number (KR)": (r"\d{13}", "kr.rrn"),
    "identity number (TH)": (r"[1-8]\d{12}", "th.pin"),
    "identity number (ZA)": (r"\d{13}", "za.idnr"),
    "identity number (EE, LT)": (r"[1-6]\d{10}", "ee.ik"),
    "social insurance number (CA)": (r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin"),
    "tax number (AU)": (r"\d{3} ?\d{3} ?\d{3}", "au.tfn"),
    "identity number (JP)": (r"\d{12}", "jp.in_"),
    "identity number (CH)": (r"756\d{10}", "ch.ssn"),
    "identity number (TW)": (r"[A-Z][1289]\d{8}", _taiwan),
    "identity number (HK)": (r"[A-Z]{1,2}\d{6}[0-9A]", _hong_kong),
}
_STRONG = {what: (re.compile(pattern), check) for what, (pattern, check) in _STRONG.items()}
_WEAK = {what: (re.compile(pattern), check) for what, (pattern, check) in _WEAK.items()}
_DIGIT = re.compile(r"\d")
_PLAIN_NUMBER = re.compile(r"[-+]?[\d.,]{1,8}")
#: characters of a text that are looked at, from either end
_LOOKED_AT = 2000
_SURNAMES = set(
    "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖田董潘袁蔡蒋蔣余于杜叶葉"
    "程魏苏蘇吕呂丁任卢盧姚沈钟鐘姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付方邹鄒熊白孟秦邱侯江尹薛闫雷龙史陶贺顾毛郝龚邵万钱严武戴莫孔向汤"
)
_NAME = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Dr|Herr|Frau|Sr|Sra|Mme|M)\.? )?"
    r"[^\W\d_a-z][\w'’.-]*(?:,? (?:(?:van|von|der|de|da|di|del|la|le|bin|al|el|dos) )*[^\W\d_a-z][\w'’.-]*){1,3}"
)
_HANGUL = re.compile("[김이박최정강조윤장임한오서신권황안송류전홍][가-힣]{2}")


def plain_text(value):
    """A value as text: compatibility forms of digits and letters made plain, marks that nobody sees left out."""
    text = str(value)
    if not text.isascii():
        text = "".join(mark for mark in unicodedata.normalize("NFKC", text) if unicodedata.category(mark) != "Cf")
    return text.strip()


def _strong_kind(text):
    if len(text) > 2 * _LOOKED_AT:
        text = text[:_LOOKED_AT] + " " + text[-_LOOKED_AT:]
    if not ("@" in text or "<<" in text or _DIGIT.search(text)) or _PLAIN_NUMBER.fullmatch(text):
        return None
    for what, (pattern, check) in _STRONG.items():
        for match in pattern.finditer(text):
            if check is None or check(match[0]):
                return what
    return None


def _weak_kinds(text):
    if not 8 <= len(text) <= 20 or not text[-6:-1].isdigit():
        return
    for what, (pattern, check) in _WEAK.items():
        if pattern.fullmatch(text) and (check(text) if callable(check) else _valid(check)(text)):
            yield what


def kind_of(value) -> str | None:
    """What personal data a text holds or is, or None.

    Examples
    --------
    >>> kind_of("call 138 1234 5678"), kind_of("DE89 3704 0044 0532 0130 00"), kind_of("debt consolidation")
    ('phone number', 'account number (IBAN)', None)
    >>> kind_of("2015-01-01"), kind_of("12,000.00"), kind_of("941xx"), kind_of("044051401359")
    (None, None, None, None)
    """
    text = plain_text(value)
    return _strong_kind(text) or next(_weak_kinds(text), None)


def _is_name(text):
    """Whether a text is written like the name of a person."""
    if 2 <= len(text) <= 4 and text[0] in _SURNAMES and all("\u4e00" <= mark <= "\u9fff" for mark in text):
        return True
    return bool(_HANGUL.fullmatch(text)) or (len(text) <= 60 and bool(_NAME.fullmatch(text)) and not text.isupper())


def shape(value):
    """The pattern of a text without its content: letters are a or A, digits 9.

    Examples
    --------
    >>> shape("31.12.2019"), shape("Li Wei 3"), shape("王伟")
    ('99.99.9999', 'Aa Aaa 9', '字字')
    """
    made = [
        "9"
        if mark.isdigit()
        else "字"
        if "\u3040" <= mark <= "\ud7ff"
        else "A"
        if mark.isupper()
        else "a"
        if mark.isalpha()
        else mark
        for mark in str(value).strip()
    ]
    text = "".join(mark if mark.isprintable() else "·" for mark in made)
    return text if len(text) <= 30 else text[:29] + "…"


def masked(value, rows=0):
    """A value fit for a message: itself if it is harmless, else its shape or what it seems to be.

    Parameters
    ----------
    value : object
    rows : int
        Loans that have the value. From :data:`LEAST` on a text is a code that many share, and is shown; one of fewer
        may be somebody's name or number.

    Examples
    --------
    >>> masked("12a"), masked("13812345678"), masked("Maria Roth"), masked("written down", 10)
    ("'12a'", '(hidden: phone number)', "like 'Aaaaa Aaaa'", "'written down'")
    """
    text = str(value).strip()
    what = kind_of(text)
    if what:
        return f"(hidden: {what})"
    harmless = len(text) <= 8 and sum(map(str.isdigit, text)) <= 5 and re.fullmatch(r"[\W_\dA-Za-z]*", text)
    if rows >= LEAST or (harmless and not re.search(r"[^\W\d_]{2}", text)):
        made = "".join(mark if mark.isprintable() else "·" for mark in text)
        return repr(made if len(made) <= 30 else made[:29] + "…")
    return f"like {shape(text)!r}"


def masked_names(names: Iterable, most=12):
    """Names of columns or files for a message, those that look personal left out.

    A first line with numbers in it is no header but a loan, and is not shown at all.

    Examples
    --------
    >>> masked_names(["amount", "jo@bank.example"]), masked_names(["Maria Roth", "1000", "36"])
    ('amount, (hidden: e-mail address)', '(3 cells, not shown: the line looks like a loan, not like a header)')
    """
    names = [str(name) for name in names]
    if any(
        re.fullmatch(r"[\d.,]*\.?\d{3,}[\d.,]*", name.strip()) and not re.fullmatch(r"(19|20)\d\d", name)
        for name in names
    ):
        return f"({len(names)} cells, not shown: the line looks like a loan, not like a header)"
    return ", ".join(masked_name(name) for name in names[:most]) + (" ..." if len(names) > most else "")


def name_kind(name) -> str | None:
    """What personal data the name of a column, file or sheet holds or is, or None.

    Examples
    --------
    >>> name_kind("13812345678"), name_kind("Maria Roth"), name_kind("Loan Amount")
    ('phone number', "person's name", None)
    """
    text = plain_text(name)
    stem = re.sub(r"(?:\.[a-z]{2,7})+$", "", text)  # of a file: a point after a number makes it a part of another
    what = kind_of(stem) or kind_of(text) or ("person's name" if person_in(name) else None)
    return what or ("passport" if any(map(_is_passport, stem.split())) else None)


def _is_passport(name):
    """Whether a word of a name is written as passports of many countries are numbered, and is no day and no series."""
    if re.fullmatch(r"[A-Z]{1,2}[0-9]{7,8}", name):
        digits = name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return digits[:4] != "0000" and not (
            len(digits) == 8 and (_date(digits) or _date(digits[4:] + digits[2:4] + digits[:2]))
        )
    # Germany: no vowel and no letter that looks like a digit
    return bool(re.fullmatch(r"[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}", name)) and sum(map(str.isdigit, name)) >= 5


def masked_name(name):
    """One name, without control characters, cut at 60, hidden if it looks personal."""
    what = name_kind(name)
    text = "".join(mark if mark.isprintable() else "·" for mark in str(name))
    return f"(hidden: {what})" if what else text if len(text) <= 60 else text[:59] + "…"


def scrubbed(text):
    """A message without passwords of URLs and without anything that looks personal.

    Examples
    --------
    >>> scrubbed("postgresql:/me:secret@host/x is not there"), scrubbed("row 3: jo@bank.example")
    ('postgresql:/me:***@host/x is not there', 'row 3: (hidden: e-mail address)')
    """
    text = re.sub(r"(:/{0,3}[^\s:/@'\"]*):[^\s'\"]*@(?=[^\s@]*)", r"\1:***@", str(text))
    text = re.sub(r"(?i)\b(password|passwd|pwd|secret|token|sslpassword)=[^\s&'\";]*", r"\1=***", text)
    for what, (pattern, check) in _STRONG.items():
        if what != "address":
            text = pattern.sub(lambda m, w=what, c=check: f"(hidden: {w})" if c is None or c(m[0]) else m[0], text)
    return without_persons(text, "(hidden: person's name)")


def personal_columns(frame, rows=2000, share=0.3):
    """Find columns that hold personal data.

    Parameters
    ----------
    frame : pandas.DataFrame
        Raw table; only its first `rows` rows are looked at, and fewer where there are very many columns.
    rows : int
        Rows to look at.
    share : float
        Share of the filled cells that must look personal. Numbers whose only mark is a check digit must be four in
        five, as one in ten has it by chance; names must be two in three, and nearly all different, or six in ten of
        the levels be names of persons (:func:`p2prisk.tape.persons.mostly_persons`), but in columns of firms and towns.

    Returns
    -------
    Personal
        Column -> what was recognised; no value is printed.

    Examples
    --------
    >>> import pandas as pd
    >>> personal_columns(pd.DataFrame({"kontakt": ["13812345678"], "amount": [10000], "姓名": ["x"]}))
    {'kontakt': 'phone number', '姓名': 'personal by its name'}
    """
    rows = min(rows, max(100, 2_000_000 // max(frame.shape[1], 1)))
    found = Personal()
    found.sample = head = frame.head(rows)
    for name, series in head.items():
        dates = pd.api.types.is_datetime64_any_dtype(series.dtype)
        if dates or pd.api.types.is_bool_dtype(series.dtype):
            if dates and personal_name(name):
                found[str(name)] = "personal by its name"
            continue
        raw = Counter(value for value in series.tolist() if value is not None and value is not pd.NA and value == value)
        if pd.api.types.is_float_dtype(series.dtype):
            fraction = any(value != int(value) if abs(value) < 1e18 else True for value in raw)
            raw = raw if fraction else Counter({int(value): number for value, number in raw.items()})
        else:
            fraction = False
        if not personal_name(name) and all(_SHORT.fullmatch(str(value)) for value in raw):
            continue
        counts: Counter = Counter()
        for value, number in raw.items():
            counts[plain_text(value)] += number
        del counts[""]
        if not counts:
            continue
        if personal_name(name) and not set(map(str.lower, counts)) <= _FLAGS and not _is_code(counts):
            found[str(name)] = "personal by its name"
        what = None if fraction else _kind_of_column(counts, share)
        if not what and not fraction and not _NAMED_AFTER.search(str(name).lower()) and mostly_persons(counts):
            what = "names of persons"
        if what:
            found[str(name)] = what
    return found


#: numbers and keys too short to be anybody's: no pattern of personal data reads any of them
_SHORT = re.compile(r"[A-Za-z]?[0-9]{1,6}|[-+]?[0-9.,]{1,6}")


def _is_code(counts):
    """Two or three short values that many loans share are the result of a check, not somebody's data."""
    return (
        len(counts) <= 3
        and min(counts.values()) >= 10
        and max(map(len, counts)) <= 20
        and not any(map(kind_of, counts))
    )


def _kind_of_column(counts, share):
    """What the values of a column are, from its distinct values and how often each is there."""
    total, strong, weak, named = sum(counts.values()), {}, {}, 0
    for text, rows in counts.items():
        what = _strong_kind(text)
        if what:
            strong[what] = strong.get(what, 0) + rows
            continue
        for what in _weak_kinds(text):
            seen = weak.setdefault(what, [0, 0])
            seen[0], seen[1] = seen[0] + rows, seen[1] + 1
        named += rows * _is_name(text)
    if strong and sum(strong.values()) >= share * total:
        return max(strong, key=strong.get)
    for what, (rows, distinct) in weak.items():
        if rows >= 0.8 * total and distinct >= 3:
            return what
    if named >= 0.66 * total and len(counts) >= max(10, 0.6 * total):
        return "names of persons"
    return None


# ---------------------------------------------------------------- what leaves the computer


def pooled(values, least=LEAST, into=POOLED):
    """A column of levels fit to leave the computer: rare or personal levels in one.

    Parameters
    ----------
    values : pandas.Series
        Texts or a Categorical; its order of levels is kept.
    least : int
        Rows that a level needs to stay.
    into : str
        Name of the pool, the last level.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> pooled(pd.Series(["car"] * 5 + ["Li Wei", "13812345678"])).value_counts().to_dict()
    {'car': 5, 'other (fewer than 5 loans each)': 2}
    """
    counts = values.value_counts()
    gone = [level for level, rows in counts.items() if 0 < rows < least or kind_of(level)]
    if isinstance(values.dtype, pd.CategoricalDtype):
        kept = [level for level in values.cat.categories if level not in set(gone) and counts.get(level, 0)]
        order = [*kept, into] if gone and into not in kept else kept
        texts = values.astype(object)
        return pd.Series(
            pd.Categorical(texts.where(~texts.isin(gone), into), order, ordered=values.cat.ordered),
            values.index,
            name=values.name,
        )
    return values.where(~values.isin(gone), into)


def level_shown(level, rows):
    """A level of a tape for a table: itself, its shape if fewer than five loans have it, or what it seems to be.

    A label of up to three letters and digits is a grade and no name.

    Examples
    --------
    >>> level_shown("car", 9), level_shown("Li Wei", 1), level_shown("A1", 1), level_shown("13812345678", 99)
    ('car', 'Aa Aaa', 'A1', '(hidden: phone number)')
    """
    what, level = kind_of(level), str(level)
    return (
        f"(hidden: {what})"
        if what
        else level
        if rows >= LEAST or re.fullmatch(r"[A-Z0-9]{1,3}", level)
        else shape(level)
    )


def shown_levels(values):
    """A Categorical whose levels hold nothing that acts instead of being seen (:func:`p2prisk.escape.visible`)."""
    levels = values.cat.categories
    seen = [visible(level) for level in levels]
    if seen == list(levels):
        return values
    texts = values.astype(object).map(dict(zip(levels, seen, strict=True)))
    return pd.Series(pd.Categorical(texts, list(dict.fromkeys(seen)), ordered=values.cat.ordered), values.index)


def coded(values, key, salt=""):
    """Keys of loans or persons replaced by codes that only the holder of `key` can trace back.

    A code is HMAC-SHA-256 of the text under the key (RFC 2104), its first 80 bits; equal texts have equal codes, in
    every file. Who has the key and the texts finds the text of a code by coding them again.

    Parameters
    ----------
    values : pandas.Series
    key : bytes
        At least 16.
    salt : str
        Kind of key ("loan_id"), so that two columns with the same text cannot be joined.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> coded(pd.Series(["13812345678"]), b"a key of sixteen or more").tolist()
    ['x7b9699c204bb7486c56f']
    """
    if len(key) < 16:
        from p2prisk.errors import DataError

        raise DataError("the key is shorter than 16 bytes; let 'p2prisk score --key FILE' make one")
    made = {
        text: "x" + hmac.new(key, f"{salt}\0{text}".encode(), hashlib.sha256).hexdigest()[:20]
        for text in values.dropna().astype(str).unique()
    }
    return values.map(lambda cell: made[str(cell)], na_action="ignore")


def key_forms(values):
    """Forms of the keys of a column: digits as one 9 each run, letters as they are, where a few forms cover the column.

    Parameters
    ----------
    values : pandas.Series

    Returns
    -------
    dict
        Form -> length of the longest key that has it; empty where the keys have no common form.

    Examples
    --------
    >>> key_forms(pd.Series([f"LC-{i}" for i in range(50)]))
    {'LC-9': 5}
    """
    texts = values.dropna().astype(str)
    forms = texts.map(_form)
    counts = forms.value_counts()
    known = counts[counts >= min(max(LEAST, 0.05 * len(forms)), len(forms))]
    if known.sum() < 0.8 * len(forms) or not len(known):
        return {}
    return texts.str.len().groupby(forms).max()[known.index].to_dict()


def _form(key):
    return re.sub(r"\d+", "9", plain_text(key))


def odd_keys(values, forms=None, persons=True):
    """Which keys are not of the kind that a lender's system makes: personal, or of another form than the column's.

    Parameters
    ----------
    values : pandas.Series
    forms : dict, optional
        As of :func:`key_forms`.
    persons : bool
        Whether words are odd: keys of loans are no names, those of counterparties may be.

    Returns
    -------
    numpy array of bool

    Examples
    --------
    >>> keys = pd.Series([f"L{i:04d}" for i in range(50)] + ["Maria Roth", "E12345678"])
    >>> odd_keys(keys, key_forms(keys)).tolist()[-3:]
    [False, True, True]
    """
    keys, out = values.dropna().astype("str"), np.zeros(len(values), dtype=bool)
    if not len(keys) or _all_made(keys, forms):
        return out
    keys = keys.str.strip()
    look, size = _worth_a_look(keys), keys.str.len().to_numpy()
    found = np.zeros(len(keys), dtype=bool)
    if forms and persons:
        other = ~look & (size >= 8)
        made = keys[other].str.replace("[0-9]+", "9", regex=True)
        found[other] = size[other] > made.map(forms).fillna(-3).to_numpy(dtype=float) + 2

    def odd(key):
        text = plain_text(key).replace("\n", " ")
        if _strong_kind(text) or (persons and _WORDED.search(text)):
            return True
        return bool(forms) and persons and len(text) >= 8 and len(text) > forms.get(_form(text), -3) + 2

    found[look] = [odd(key) for key in keys[look]]
    out[values.notna().to_numpy()] = found
    return out


def _worth_a_look(keys):
    """Keys in which a pattern of personal data, or words, may be found; for a million of them in one to three seconds.

    The patterns are asked three at a time of the whole column, as RE2 knows them: without what it cannot look back or
    ahead at, so that they find more rather than less. Keys in other scripts are always looked at.
    """
    import pyarrow
    from pyarrow import compute

    texts = pyarrow.array(keys, type=pyarrow.large_string())
    whole = compute.and_(compute.string_is_ascii(texts), compute.less(compute.utf8_length(texts), 2 * _LOOKED_AT))
    found = compute.invert(whole)
    for pattern in _as_re2():
        found = compute.or_(found, compute.match_substring_regex(texts, pattern))
    return found.to_numpy(zero_copy_only=False)


@lru_cache
def _as_re2():
    """The patterns of personal data, and two words, without what RE2 does not know: by threes.

    All in one are as slow as Python on keys without a form: RE2 then meets more states than it keeps.
    """
    made = ["[A-Za-z]{2,}[ ,]+[A-Za-z]{2,}"]
    for pattern, _ in _STRONG.values():
        one = r"(\[(?:\\.|[^\]\\])+\]|\\d)"  # a letter next to the match, of a class or not
        text = re.sub(rf"\(\?<!{one}\)", lambda m: f"(?:^|{_other(m[1])})", pattern.pattern)
        text = re.sub(rf"\(\?!{one}\)", lambda m: f"(?:{_other(m[1])}|$)", text)
        made.append(re.sub(r"\(\?<?[!=][^()]*\)", "", text).replace("\\1", "[ -]"))
    return ["|".join(f"(?:{one})" for one in made[place : place + 3]) for place in range(0, len(made), 3)]


def _other(one):
    """The class of all other letters."""
    return f"[^{one.strip('[]')}]" if one[0] == "[" else f"[^{one}]"


def _all_made(keys, forms):
    """Whether all keys are made by a system and of a known form; a million of them in half a second."""
    import pyarrow
    from pyarrow import compute

    keys = pyarrow.array(keys, type=pyarrow.large_string())
    if forms and compute.max(compute.utf8_length(keys)).as_py() >= 8 + 2:
        return False
    if not compute.all(compute.match_substring_regex(keys, _MADE)).as_py():
        return False
    # made and so short, they are letters and digits: what is left without these stands before the number
    before = compute.unique(compute.ascii_rtrim(keys, "0123456789")).to_pylist() if forms else ()
    return all(prefix + "9" in forms for prefix in before)


# what systems make, as pyarrow writes it: letters, then up to nine digits, or 32 and more digits of a hash
_MADE = r"\A(?:[A-Za-z]{0,4}[-_]?[0-9]{1,9}|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}|[0-9A-Fa-f]{32,64})\z"
# words of a name or an address: no system makes such keys
_WORDED = re.compile(r"[^\W\d_]{2,}[ ,]+[^\W\d_]{2,}|^[^\W\d]*[\u3040-\ud7ff][^\W\d]*$")


class Personal(dict):
    """Columns of personal data and what was recognised, with the rows they were recognised in (not for print)."""

    sample: pd.DataFrame | None = None
