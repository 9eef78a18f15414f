"""A report as a Word document: real headings, tables with repeated headers, page numbers; pictures as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from mkmine.errors import MissingExtraError
from mkmine.language import Translator, translator
from mkmine.report.blocks import Block, Bullets, Figure, Heading, KeyFigures, Note, Table, Text
from mkmine.report.lettering import visible

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import _Cell

    from mkmine.report.document import Report

__all__ = ["render"]

_FONT: Final = "Arial"
_INK: Final = "0F2F5F"
_SHADE: Final = "DFEAFA"
_WARNING: Final = "FDF3E3"
_PAGE: Final = (21.0, 29.7)  # cm
_MARGIN: Final = 1.8
_WIDEST: Final = _PAGE[0] - 2 * _MARGIN
_TALLEST: Final = 21.0


def render(report: Report) -> bytes:
    """Return the report as the bytes of a DOCX file. Raises `MissingExtraError` if python-docx is not installed."""
    try:
        import docx
    except ImportError:
        raise MissingExtraError.of(package="python-docx", extra="docx", purpose="a Word document") from None
    document = docx.Document()
    _set_up(document, report)
    document.add_paragraph(visible(report.title), style="Title")
    if report.subtitle:
        document.add_paragraph(visible(report.subtitle), style="Subtitle")
    writer = _Writer(document, translator(report.language))
    for block in report.blocks:
        writer.add(block)
    sink = BytesIO()
    document.save(sink)
    return sink.getvalue()


def _set_up(document: Document, report: Report) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    section = document.sections[0]
    section.page_width, section.page_height = (Cm(one) for one in _PAGE)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(_MARGIN)
    sizes = {"Normal": 10.5, "Title": 22, "Subtitle": 11, "Heading 1": 15, "Heading 2": 12.5, "List Bullet": 10.5}
    for name, size in sizes.items():
        style: Any = document.styles[name]
        style.font.name, style.font.size = _FONT, Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            # A theme's font would win over the one that is named.
            if "Theme" in key:
                del fonts.attrib[key]
        for key in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
            fonts.set(qn(key), _FONT)
        if name != "Normal" and name != "List Bullet":
            style.font.color.rgb = RGBColor.from_string(_INK)
            style.font.italic = False
    properties = document.core_properties
    properties.title, properties.author, properties.language = visible(report.title), "mkmine", report.language
    properties.comments = f"mkmine {report.version}"
    properties.created = properties.modified = report.made
    paragraph = section.footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _page_number(paragraph)


def _page_number(paragraph: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for kind in ("begin", "", "end"):
        run = paragraph.add_run()
        if kind:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        else:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = "PAGE"
        run._r.append(mark)


class _Writer:
    """Adds blocks to a document, counting its chapters, figures and tables."""

    def __init__(self, document: Document, t: Translator) -> None:
        self.document, self.t = document, t
        self.chapters = self.figures = self.tables = 0

    def add(self, block: Block) -> None:
        match block:
            case Heading():
                self.heading(block)
            case Text():
                for text in block.paragraphs:
                    self.document.add_paragraph(visible(text))
            case Bullets():
                for text in block.items:
                    self.document.add_paragraph(visible(text), style="List Bullet")
            case KeyFigures():
                rows = [(one.label, one.value, one.note) for one in block.items]
                self.grid(rows)
                self.small(block.foot)
            case Figure():
                self.figure(block)
            case Table():
                self.table(block)
            case Note():
                self.note(block)

    def heading(self, block: Heading) -> None:
        self.chapters += block.level == 1
        number = f"{self.chapters}. " if block.level == 1 else ""
        self.document.add_heading(number + visible(block.text), level=block.level)

    def note(self, block: Note) -> None:
        table = self.document.add_table(rows=1, cols=1)
        self.fill(table.cell(0, 0), block.text, shade=_WARNING if block.kind == "warning" else _SHADE)
        self.document.add_paragraph()

    def small(self, text: str) -> None:
        from docx.shared import Pt

        if text:
            run = self.document.add_paragraph().add_run(visible(text))
            run.font.size = Pt(8.5)

    def caption(self, label: str, title: str) -> None:
        from docx.shared import Pt

        paragraph = self.document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        paragraph.paragraph_format.space_before, paragraph.paragraph_format.space_after = Pt(8), Pt(3)
        paragraph.add_run(f"{label}. ").bold = True
        paragraph.add_run(visible(title))

    def figure(self, block: Figure) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Cm

        self.figures += 1
        self.caption(self.t("Figure {n}", n=self.figures), block.title)
        for view in block.views:
            picture = view.picture
            # 96 pixels of a screen are an inch.
            width = min(_WIDEST, picture.width * 2.54 / 96, _TALLEST * picture.width / picture.height)
            self.document.add_picture(BytesIO(picture.png()), width=Cm(width))
            paragraph = self.document.paragraphs[-1]
            paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            paragraph._p.xpath(".//wp:docPr")[0].set("descr", visible(picture.title))
        self.small(block.note)
        self.small(block.foot)

    def table(self, block: Table) -> None:
        self.tables += 1
        self.caption(self.t("Table {n}", n=self.tables), block.title)
        numeric = [column.numeric for column in block.columns]
        self.grid(block.rows, header=[column.title for column in block.columns], numeric=numeric)
        self.small(block.note)
        self.small(block.foot)

    def grid(
        self, rows: Sequence[tuple[str, ...]], *, header: Sequence[str] = (), numeric: Sequence[bool] = ()
    ) -> None:
        """Add a table whose columns are as wide as what they hold asks for; its header is repeated on every page."""
        from docx.oxml import OxmlElement
        from docx.shared import Cm

        lines = [tuple(header), *rows] if header else list(rows)
        table = self.document.add_table(rows=len(lines), cols=len(lines[0]) if lines else 0)
        table.style, table.autofit = "Table Grid", False
        widths = _widths(lines)
        small = len(widths) > 5
        for number, (row, texts) in enumerate(zip(table.rows, lines, strict=True)):
            is_header = bool(header) and number == 0
            properties = row._tr.get_or_add_trPr()
            properties.append(OxmlElement("w:cantSplit"))
            if is_header:
                properties.append(OxmlElement("w:tblHeader"))
            for place, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
                cell.width = Cm(widths[place])
                right = bool(numeric) and numeric[place]
                self.fill(cell, text, bold=is_header, shade=_SHADE if is_header else "", right=right, small=small)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Cm(width)
        self.document.add_paragraph().paragraph_format.space_after = Cm(0)

    def fill(
        self, cell: _Cell, text: str, *, bold: bool = False, shade: str = "", right: bool = False, small: bool = False
    ) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml import OxmlElement
        from docx.oxml.ns import qn
        from docx.shared import Pt

        for number, line in enumerate(text.split("\n")):
            paragraph = cell.paragraphs[0] if number == 0 else cell.add_paragraph()
            paragraph.paragraph_format.space_after = Pt(1)
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
            run = paragraph.add_run(visible(line))
            run.bold, run.font.size = bold, Pt(8 if small else 9)
        if shade:
            colour = OxmlElement("w:shd")
            for key, value in (("val", "clear"), ("color", "auto"), ("fill", shade)):
                colour.set(qn(f"w:{key}"), value)
            cell._tc.get_or_add_tcPr().append(colour)


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Return widths in cm: every column as wide as its longest word, the rest shared by the length of the texts."""
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    least = [min(max(len(word) for text in column for word in (text or " ").split() or [""]), 18) for column in columns]
    floor = [0.45 + 0.185 * length for length in least]
    if sum(floor) >= _WIDEST:
        return [_WIDEST * one / sum(floor) for one in floor]
    need = [max(0.0, min(max(map(len, column)), 90) - low) for column, low in zip(columns, least, strict=True)]
    rest, total = _WIDEST - sum(floor), sum(need) or 1.0
    return [low + rest * one / total for low, one in zip(floor, need, strict=True)]
