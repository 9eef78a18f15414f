"""The regulation of a process and the job instructions of its roles, from the model and its process card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from mkmine.errors import DataError, UnknownNameError
from mkmine.files import write_bytes, write_text
from mkmine.language import Language, translator
from mkmine.report.blocks import Block, Bullets, Column, Figure, Heading, Note, Table, Text, View
from mkmine.report.document import Report
from mkmine.report.duties import RACI, Duties
from mkmine.report.procedure import Procedure, Step, quoted
from mkmine.report.rules import rule_sentence
from mkmine.report.target_map import draw_target
from mkmine.targets import Target
from mkmine.targets.gaps import Gap

__all__ = ["Regulation", "regulation"]

# With more roles than a page has room for, their names stand in the cells.
_MOST_COLUMNS: Final = 6
_SUFFIXES: Final = (".html", ".htm", ".docx")


@dataclass(frozen=True, kw_only=True, repr=False)
class Regulation(Report):
    """A regulation or a job instruction; saved as one HTML file or as a Word document."""

    def docx(self) -> bytes:
        """Return the document as a Word file. Raises `MissingExtraError` if python-docx is not installed."""
        from mkmine.report.docx import render

        return render(self)

    def save(self, path: str | Path) -> Path:
        """Write the document as HTML or DOCX, by the ending of the name; return the path.

        Raises `DataError` if the name ends in neither `.html` nor `.docx` or the place cannot be written, and
        `MissingExtraError` if DOCX is asked for without python-docx.
        """
        target = Path(path)
        if target.suffix.lower() not in _SUFFIXES:
            advice = f'name it "{target.stem or "regulation"}.docx"'
            raise DataError(f'a regulation is saved as HTML or DOCX, and "{target.name}" ends in neither; {advice}')
        return write_bytes(target, self.docx()) if target.suffix.lower() == ".docx" else write_text(target, self.html())

    def __repr__(self) -> str:
        return f"Regulation({self.title!r}, {len(self.tables)} tables; save it with .save(path))"


def regulation(target: Target, *, language: Language = "en", role: str | None = None) -> Regulation:
    """Return the regulation of a process with the job instructions of its roles, or with `role` only that role's.

    Everything in it is said by the model or the card; what they leave open is listed as open questions. Times are
    hours of working time. Raises `UnknownNameError` if the language is unknown or the target has no such role.
    """
    writer = _Writer(target, language)
    t = writer.t
    if role is not None:
        known = writer.duties.roles
        if role not in known:
            raise UnknownNameError.of(kind="role", name=role, known=known)
        title, blocks = t("Job instruction: {role}", role=role), tuple(writer.instruction(role))
    else:
        title, blocks = t("Regulation of the process {name}", name=quoted(target.name, t)), tuple(writer.regulation())
    return Regulation(title=title, subtitle=writer.subtitle(role), language=t.language, blocks=blocks)


class _Writer:
    """Writes chapters of a regulation in one language."""

    def __init__(self, target: Target, language: str) -> None:
        self.t = translator(language)
        self.target, self.card = target, target.card
        self.procedure = Procedure(target, self.t)
        self.duties = Duties(target)

    def subtitle(self, role: str | None) -> str:
        t, parts = self.t, []
        if role is not None:
            parts.append(t("Process {name}", name=quoted(self.target.name, t)))
        if self.card:
            parts.append(t("Owner of the process: {owner}", owner=self.card.owner))
            if self.card.changes:
                last = max(change.date for change in self.card.changes)
                parts.append(t("wording of {date}", date=t.date(pd.Timestamp(last).to_pydatetime())))
        return " · ".join(parts)

    def regulation(self) -> Iterator[Block]:
        yield from self.general()
        yield from self.order()
        yield from self.roles()
        yield from self.rules()
        yield from self.indicators()
        yield from self.documents()
        for number, role in enumerate(self.duties.roles, 1):
            title = self.t("Job instruction: {role}", role=role)
            yield Heading(text=title, anchor=f"role-{number}")
            yield from self.instruction(role, inside=True)
        yield from self.history()
        yield from self.questions()

    def general(self) -> Iterator[Block]:
        t, card = self.t, self.card
        yield Heading(text=t("General"), anchor="general")
        if card is None:
            return
        limit = t.plural("{n} working hour", "{n} working hours", round(card.case_limit_h)) if card.case_limit_h else ""
        rows = (
            (t("Process"), card.process),
            (t("Purpose"), card.purpose),
            (t("Owner"), card.owner),
            (t("Customer"), card.customer or t("not named")),
            (t("Input"), card.input),
            (t("Output"), card.output),
            (t("Time limit of the whole process"), limit),
        )
        shown = [row for row in rows if row[1]]
        yield self.table("passport", t("Passport of the process"), (t("What"), t("Description")), shown)
        if not card.customer:
            yield Note(kind="warning", text=self.asked(Gap(kind="customer")))
        yield Text(paragraphs=(t("Approved by the owner of the process: ______________________  Date: ____________"),))

    def order(self) -> Iterator[Block]:
        t, procedure = self.t, self.procedure
        yield Heading(text=t("Order of steps"), anchor="order")
        begins = [quoted(node.name, t) for node in procedure.starts if node.name]
        ends = [quoted(node.name, t) for node in procedure.ends if node.name]
        told = [t("The process begins with: {names}.", names=", ".join(begins))] if begins else []
        told += [t("It ends with: {names}.", names=", ".join(ends))] if ends else []
        told.append(t("Time limits are working hours from the moment when a step can be begun."))
        yield Text(paragraphs=tuple(told))
        picture = draw_target(self.target.model, roles=dict(self.target.roles), language=t.language)
        yield Figure(title=t("The process"), views=(View(label="", picture=picture),), foot="")
        columns = (t("No."), t("Step"), t("Who"), t("Time limit, h"), t("What follows"))
        rows = [
            (str(step.number), self.step(step), self.who(step), self.limit(step), "\n".join(procedure.onwards(step)))
            for step in procedure.steps
        ]
        yield self.table("steps", t("Steps of the process"), columns, rows)

    def step(self, step: Step) -> str:
        """Write what is to be done in a step, with its description and its documents."""
        t, lines = self.t, [self.procedure.title(step)]
        if step.node.documentation:
            lines.append(step.node.documentation)
        if step.is_task and (names := self.duties.documents(step.node.name)):
            lines.append(t("Documents: {names}", names=", ".join(names)))
        return "\n".join(lines)

    def who(self, step: Step) -> str:
        """Name who does a step, or else the plan that a case waits for."""
        return step.role or (self.target.roles.get(step.node.name, "") if step.is_task else "")

    def limit(self, step: Step) -> str:
        """Write how long a step may take, and how often it may be done."""
        t, card = self.t, self.card
        if card is None or not step.is_task:
            return ""
        name, lines = step.node.name, []
        if name in card.limits:
            lines.append(self.hours(card.limits[name]))
        hours = card.round_limits.get(name, ())
        for number, one in enumerate(hours, 1):
            if number == len(hours) > 1:
                lines.append(t("round {n} and later: {hours}", n=number, hours=self.hours(one)))
            else:
                lines.append(t("round {n}: {hours}", n=number, hours=self.hours(one)))
        if name in card.max_rounds:
            lines.append(t.plural("at most {n} round", "at most {n} rounds", card.max_rounds[name]))
        return "\n".join(lines)

    def hours(self, value: float) -> str:
        return self.t.number(value, digits=0 if value == int(value) else 1)

    def roles(self) -> Iterator[Block]:
        t = self.t
        if not self.duties.roles:
            return
        yield Heading(text=t("Roles and responsibility"), anchor="roles")
        roles, activities = self.duties.roles, self.target.activities
        if len(roles) <= _MOST_COLUMNS:
            columns: tuple[str, ...] = (t("Step"), *roles)
            rows = [(name, *(self.duties.letters(name, role) for role in roles)) for name in activities]
        else:
            columns = (t("Step"), *RACI)
            rows = [(name, *("\n".join(self.duties.holders(name, one)) for one in RACI)) for name in activities]
        note = t("R does the work, A is accountable for the result, C is asked for advice, I is informed.")
        yield self.table("raci", t("Responsibility matrix (RACI)"), columns, rows, note=note)

    def rules(self, activities: frozenset[str] | None = None) -> Iterator[Block]:
        t, rules = self.t, self.card.rules if self.card else ()
        told = [rule for rule in rules if activities is None or activities.intersection(rule.activities)]
        if not told:
            return
        if activities is None:
            yield Heading(text=t("Rules"), anchor="rules")
        else:
            yield Text(paragraphs=(t("Rules that concern these steps:"),))
        yield Bullets(
            items=tuple(f"{rule_sentence(rule, t)}{': ' + rule.reason if rule.reason else ''}" for rule in told)
        )

    def indicators(self, role: str | None = None) -> Iterator[Block]:
        t, kpis = self.t, self.card.kpis if self.card else ()
        chosen = [kpi for kpi in kpis if role is None or kpi.responsible == role]
        if not chosen:
            return
        if role is None:
            yield Heading(text=t("Indicators"), anchor="indicators")
        rows = [
            (kpi.name, self.goal(kpi.target), kpi.measure, *((kpi.responsible,) if role is None else ()), kpi.period)
            for kpi in chosen
        ]
        whose = (t("Responsible"),) if role is None else ()
        columns = (t("Indicator"), t("Target"), t("How it is measured"), *whose, t("Period"))
        title = t("Indicators of the process") if role is None else t("Indicators of the role")
        yield self.table("kpis", title, columns, rows)

    def goal(self, target: float | str | None) -> str:
        if target is None or isinstance(target, str):
            return target or ""
        return self.hours(target)

    def documents(self) -> Iterator[Block]:
        t, documents = self.t, self.card.documents if self.card else {}
        rows = [(name, one.name, one.link) for name in self.target.activities for one in documents.get(name, ())]
        if rows:
            yield Heading(text=t("Documents and templates"), anchor="documents")
            columns = (t("Step"), t("Document"), t("Where it is"))
            yield self.table("documents", t("Documents and templates by step"), columns, rows)

    def instruction(self, role: str, *, inside: bool = False) -> Iterator[Block]:
        """Write what one role does, after what, how fast, and to whom it hands over."""
        t, procedure = self.t, self.procedure
        level: Final = 2 if inside else 1
        mine = [step for step in procedure.steps if step.role == role]
        tasks = frozenset(step.node.name for step in mine if step.is_task)
        number = self.duties.roles.index(role) + 1
        if not inside:
            yield Heading(text=t("Steps of the role"), anchor=f"role-{number}-steps", level=level)
        if mine:
            columns = (t("No."), t("What to do"), t("After what"), t("Time limit, h"), t("To whom it goes"))
            rows = [
                (
                    str(step.number),
                    self.step(step),
                    "\n".join(procedure.inputs(step)),
                    self.limit(step),
                    "\n".join(procedure.onwards(step, roles=True)),
                )
                for step in mine
            ]
            yield self.table(f"role_{number}", t("Steps of the role: {role}", role=role), columns, rows)
        told = {
            "A": t("Is accountable for the result of: {names}."),
            "C": t("Is asked for advice at: {names}."),
            "I": t("Is informed of: {names}."),
        }
        for letter in RACI[1:]:
            if names := self.duties.steps(role, letter):
                listed = ", ".join(quoted(name, t) for name in names)
                yield Text(paragraphs=(told[letter].format(names=listed),))
        yield from self.rules(tasks)
        yield from self.indicators(role)
        yield Text(paragraphs=(t("Read and understood: ______________________  Date: ____________"),))

    def history(self) -> Iterator[Block]:
        t, changes = self.t, self.card.changes if self.card else ()
        if changes:
            yield Heading(text=t("History of changes"), anchor="history")
            rows = [
                (t.date(pd.Timestamp(one.date).to_pydatetime()), one.who, one.what)
                for one in sorted(changes, key=lambda one: one.date)
            ]
            yield self.table("changes", t("Changes of the regulation"), (t("Date"), t("Who"), t("What")), rows)

    def questions(self) -> Iterator[Block]:
        t, gaps = self.t, self.target.gaps
        if gaps:
            yield Heading(text=t("Open questions"), anchor="questions")
            yield Text(paragraphs=(t("The model and the process card do not say yet:"),))
            yield Bullets(items=tuple(self.asked(gap) for gap in gaps))

    def asked(self, gap: Gap) -> str:
        """Say what is missing."""
        t, name = self.t, quoted(gap.subject, self.t)
        texts = {
            "card": t("who owns the process, for whom it is and how long it may take: there is no process card"),
            "customer": t("who needs the result: no customer is named"),
            "purpose": t("what the process is for"),
            "input": t("what the process begins with"),
            "output": t("what the process yields"),
            "responsible": t("who does {name}", name=name),
            "accountable": t("who is accountable for the result of {name}: exactly one role is", name=name),
            "limit": t("how long {name} may take", name=name),
            "kpi": t("by what the process is judged: no indicator is set"),
            "kpi_part": t("target, measure, responsible and period of the indicator {name}, all four", name=name),
        }
        return texts[gap.kind][:1].upper() + texts[gap.kind][1:] + "."

    def table(
        self, name: str, title: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]], *, note: str = ""
    ) -> Table:
        return Table(
            name=name,
            title=title,
            columns=tuple(Column(title=one) for one in columns),
            rows=tuple(rows),
            foot="",
            data=pd.DataFrame(list(rows), columns=list(columns)),
            note=note,
        )
