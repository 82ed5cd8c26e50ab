"""Names of people in names of columns, files and sheets: a usual given name beside a word that no table uses.

Values are told by many rows (:mod:`p2prisk.tape.privacy`); a name stands alone, and "Loan Amount" is written as
"Maria Roth" is. So one word must be a usual given name, and its neighbour no word of a header. Given names that are
words as well (Grace, May, Mark, Chase, Grant) are left out: the grace period is nobody.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import lru_cache
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_GIVEN = set(
    """
    aaron abdul abdullah abigail adam adele adriana agata agnes agnieszka ahmad ahmed aisha akira alan albert
    alberto alejandra alejandro aleksandr alessandra alessandro alexander alexandra alexei alexis alfred alfredo ali
    alice alicia alina alison amanda amelia amelie amina amir amit ana anders andre andrea andreas andres andrew
    andrzej angela angelika anil anita anja anjali anke ann anna anne annette annika anouk anthony antoine anton
    antonio anya arjun arnaud arthur arturo astrid aurelie axel aylin ayse barbara beata beatrice beatriz benedikt
    benjamin bernard bernd bettina birgit bjorn brenda brian brigitte bruno camila camille carla carlos carmen carol
    carolina caroline catherine cecilia celine charles charlotte chiara christina christine christophe christopher
    claire claudia clemens cristina cynthia dagmar daniel daniela danielle dariusz david deborah deepak denis denise
    dennis diana diego dieter dimitri dirk dmitri dominik donald donna doris dorota dorothy eduardo edward ekaterina
    elena eleonora elif elisabeth elizabeth elke emilia emily emma emmanuel enrico enrique eric erik erika ernst
    eszter ethan eugen eva evelyn ewa fabian fatima fatma federico felicitas felipe femke fernanda fernando florian
    franz francesca francesco francisco francois frederic frieda friedrich fritz gabriel gabriela gabriele gary
    georg george georges gerald gerard gerhard gianluca giorgio giovanni giulia giuseppe gonzalo greta gregor
    grzegorz guadalupe guido guillaume guillermo gunther gustav hannah hanna hans harald hassan heather hector heidi
    heike heinrich heinz helen helena helga helmut hendrik henri henrik henry herbert hermann hiroshi horst hugo
    ibrahim ignacio igor ines inge ingrid irene irina isaac isabel isabella isabelle ivan ivana jack jacob
    jacqueline jacques jaime jakub james jan jana janet janine jasmin javier jean jeffrey jennifer jens jeremy
    jessica jesus jiri joanna joao joachim johan johann johanna johannes john jolanta jon jonas jonathan jorge jose
    joseph josef juan juana judith julia julian julie julien jurgen juergen justyna kamil karen karin karl karolina
    katarina katarzyna kate katharina katherine kathleen katja katrin kazuo keiko kenji kenneth kerstin kevin khalid
    khadija klara klaus konstantin kristin kristina krzysztof kumar kurt larissa lars laura laurent layla lea lena
    leonardo leonie leon leticia liam lieselotte linda lisa lorenzo louise luca lucas lucia ludwig luis luisa lukas
    lukasz luigi magda magdalena maja malgorzata manfred manuel manuela marc marcel marcin marco marcos marek
    margaret margarita maria marianne marie marina mario marion marius markus marta martha martin martina mary
    mateusz mateo mathias mathieu mathilde matteo matthew matthias maximilian mehmet melanie melissa michael michal
    michel michele michelle miguel mikael mikhail milan miriam mohamed mohammad mohammed monica monika monique
    moritz muhammad mustafa nadia nadja naoko natalia natalie nathalie nicolas nicole niklas nikolai nina nora
    norbert oksana oleg olga oliver olivia olivier olof omar oscar oskar osman otto pablo paola paolo pascal
    patricia patrick paul paula paulina pavel pawel pedro peter petra philip philipp philippe pierre piotr pooja
    priya priyanka rachel rafael rahul raj rajesh ralf ramon raul ravi rebecca reinhard renate ricardo richard rita
    robert roberto rodrigo roger roland rolf ronald rosa rosario rudolf ruth ryan sabine sabrina sakura salvatore
    samantha samuel sandra sandrine sanjay sara sarah sebastian sergei sergey sergio sharon sigrid silke silvia
    simon simone sofia sonja sophia sophie stefan stefania stefanie steffen stephan stephanie stephen steven sunil
    suresh susan susanne svetlana sven sylvie sylvia takashi tamara tanja tatiana teresa theodor theresa thierry
    thomas thorsten tim timothy tomas tomasz torsten tyler ulrich ulrike ursula ute uwe valentina valerie vanessa
    vera veronica veronika victor vijay vikram viktor viktoria vincent vincenzo violeta vladimir walter wei werner
    wilhelm william wojciech wolfgang xavier yannick yasmin yasuko yolanda yuki yusuf yves yvonne zbigniew zofia
    александр александра алексей алина анастасия андрей анна антон борис валентина василий виктор владимир галина
    дарья денис дмитрий евгений екатерина елена иван игорь ирина кирилл ксения людмила максим марина мария михаил
    наталья николай оксана олег ольга павел пётр петр роман светлана сергей софия татьяна юлия юрий
    محمد أحمد احمد علي فاطمة عائشة خالد حسن حسين ibrahima मोहम्मद राहुल प्रिया अमित सुनीता राजेश
    """.split()
)
# Chinese and Korean names are a family name and one or two marks that are usual in given names, and no others
_CHINESE = re.compile(
    "(?:欧阳|司马|上官|诸葛|[王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅郑鄭梁谢謝宋唐许許邓鄧韩韓冯馮曹彭曾肖田董潘"
    "袁蔡蒋蔣于杜叶葉程魏苏蘇吕呂丁卢盧姚沈钟姜崔谭譚陆陸范汪廖韦贾賈夏付邹鄒熊孟秦邱侯尹薛闫雷龙史陶贺顾毛郝龚邵钱严武戴莫孔汤])"
    "[伟芳娜敏静秀丽麗强強磊军軍洋艳勇杰傑涛明超霞平刚剛桂英华華玉兰蘭红紅玲飞飛燕萍梅琳洁雪婷慧莹倩颖欣怡佳嘉浩宇轩子涵梓晨辉輝鹏鵬"
    "斌波俊峰建国國志文博小大海龙龍凤鳳珍莉晓曉云雲春冬思雨梦夢瑶诗美淑惠雅君豪家豪]{1,2}"
)
_KOREAN = re.compile(
    "[김이박최정강조윤장임한오서신권황안송류전홍][민서준지우현수영진윤하은도예채원주호승태경성동훈석철희숙순정미연혜선재나리아유빈]"
    "[준민서현우진영수윤하은예원호승경훈석철희숙순정미연혜선빈아린율]"
)
_JAPANESE = re.compile(
    "(?:佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|清水|山崎|"
    "池田|橋本|阿部|石川|前田|藤田|小川|後藤|岡田|長谷川|村上|近藤|石井|斎藤|斉藤|坂本|遠藤|青木|藤井|西村|福田|太田|三浦|岡本)"
    r"[ \u3000]?(?![県市町村区銀支店駅通川寺])[\u3040-\u30ff\u4e00-\u9fff]{1,3}"
)
# beside a given name these make no person: joins, titles of things, words of files and sheets
_OTHERS = set(
    """
    a an and are as at by de der des die del do du e en es et for from has in is it la le no not o of on or s san santa
    sao saint st sankt the to und was with y z csv tsv txt xlsx xls parquet gz zip json yml html sqlite db january
    february march april may june july august september october november december jan feb mar apr jun jul aug sep oct
    nov dec all archive book borrowers branch calls clean closed copy csvs customers data dataset december draft dump
    export extract file final full import input interest lender lenders list loans mapping master model monthly new
    office old open out output platform portfolio raw report sample score scored scores sheet snapshot study table tape
    tapes team test train training version week weekly bank capital group gmbh inc ltd llc fund funding county city
    fe catalina catarina paulo jose diego francisco antonio barbara monica juan beach river lake island valley
    """.split()
)


_ACCENTS = set("\u0300\u0301\u0302\u0303\u0304\u0308\u030a\u030c\u0327\u0328")


def _words(text):
    """Words in lower case without accents (Latin ones), apart at every other mark and at ``aB``."""
    return [word.lower() for word in _as_written(text)]


def _as_written(text):
    text = re.sub(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])", " ", unicodedata.normalize("NFKC", str(text)))
    text = "".join(mark for mark in unicodedata.normalize("NFKD", text) if mark not in _ACCENTS)
    return re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text))


@lru_cache
def _of_headers():
    """The words of the headers that a draft knows, and of the canonical columns."""
    folder = resources.files("p2prisk") / "assets"
    known = set(_OTHERS)
    for asset in ("words.csv", "levels.csv", "columns.csv"):
        for row in csv.DictReader((folder / asset).read_text(encoding="utf-8").splitlines()):
            known.update(_words(" ".join(filter(None, row.values()))))
    return known


def person_in(name: object) -> bool:
    """Whether a name of a column, file or sheet holds what looks like the name of a person.

    Parameters
    ----------
    name : object
        Its text.

    Examples
    --------
    >>> [person_in(name) for name in ("Maria Roth", "loans_anna-petrova.csv", "王小明", "김민준", "Иван Петров")]
    [True, True, True, True, True]
    >>> [person_in(name) for name in ("Loan Amount", "Grace Period", "loans_anna.csv", "金额", "이자율", "San Jose")]
    [False, False, False, False, False, False]
    """
    written = _as_written(name)
    words = [word.lower() for word in written]
    for place, word in enumerate(words):
        # three letters are an abbreviation too (EVA, LEA), as are months, unless they are written as a name is
        if word in _GIVEN and (len(word) > 3 or written[place].istitle() and word not in _OTHERS):
            for other in (*words[max(place - 1, 0) : place], *words[place + 1 : place + 2]):
                if len(other) > 1 and (other in _GIVEN - {word} or other not in _of_headers()):
                    return True
    text = unicodedata.normalize("NFKC", str(name))
    parts = [part for part in re.split(r"[\W\d_a-zA-Z]+", text) if part]
    whole = "".join(parts) if len(parts) <= 2 else ""
    return any(
        pattern.fullmatch(part) for part in (*parts, whole) for pattern in (_CHINESE, _KOREAN, _JAPANESE) if part
    )


#: what stands before the name of a person and of nothing else
_TITLES = {"mr", "mrs", "ms", "mme", "mlle", "herr", "frau", "sra", "signora", "señor", "señora", "pani", "г-н", "г-жа"}


def mostly_persons(levels: Iterable) -> bool:
    """Whether the levels of a column are names of persons, as those of the officers of a bank are.

    One level alone cannot be told from a place or a shop that was named after somebody (San Jose, Ernst Young); of the
    levels of such columns few are. So two and six in ten must be written as a person's name and as nothing else.

    Parameters
    ----------
    levels : iterable of str

    Examples
    --------
    >>> mostly_persons(["Maria Roth", "KATRIN MUELLER", "Petrova, Anna", "Herr Weiss", "unknown"])
    True
    >>> mostly_persons(["San Jose", "Benito Juarez", "Miguel Hidalgo", "Iztapalapa"])
    False
    >>> mostly_persons(["王小明", "张丽华", "其他"]), mostly_persons(["购车", "装修", "教育"])
    (True, False)
    """
    levels = list(islice(levels, 500))
    found = sum(map(_a_person, levels))
    return found >= 2 and found >= 0.6 * len(levels)


def _a_person(level):
    """Whether a text is written as the name of a person alone: four words at most, no marks of firms, addresses."""
    text = unicodedata.normalize("NFKC", str(level)).strip()
    if len(text) > 60 or re.search(r"[\d&/+()_@:]", text):
        return False
    words = text.replace(",", " ").split()
    if len(words) >= 2 and words[0].lower().rstrip(".") in _TITLES:
        return len(words) <= 4
    return len(words) <= 4 and person_in(text)


_EASTERN = r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
_PAIR = re.compile(r"(?=(?<![^\W\d_])([^\W\d_]{2,})([ _.,-]{1,2})([^\W\d_]{2,}))")


def without_persons(text: str, instead: str) -> str:
    """A message without what looks like the name of a person in it: both words with a capital, or joined by a mark.

    Examples
    --------
    >>> without_persons("maria_roth.csv has no sheet 'Anna Petrova'; it has 王小明", "(hidden)")
    "(hidden).csv has no sheet '(hidden)'; it has (hidden)"
    """
    found = [
        match.span(1)[:1] + match.span(3)[1:]
        for match in _PAIR.finditer(text)
        if (" " not in match[2] or (match[1] + match[3] != (match[1] + match[3]).lower() and match[3][0].isupper()))
        and person_in(f"{match[1]} {match[3]}")
    ]
    for pattern in (_CHINESE, _KOREAN, _JAPANESE):
        alone = rf"(?<!{_EASTERN})(?:{pattern.pattern})(?!{_EASTERN})"
        found += [match.span() for match in re.finditer(alone, text)]
    made, last = "", 0
    for start, end in sorted(found):
        made += text[last:start] + (instead if start >= last else "")
        last = max(last, end)
    return made + text[last:]
