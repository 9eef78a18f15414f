"""The TO-BE of the article process: the brief is checked before anyone writes, and nothing goes out unapproved."""

from __future__ import annotations

from typing import Any

from mkmine.catalogue.article import (
    APPROVAL,
    APPROVER,
    BRIEF,
    CONTENT,
    COPYWRITER,
    DESIGN,
    DESIGNER,
    EDITOR,
    FINAL,
    HEAD,
    LEGAL,
    MARKETER,
    PUBLICATION,
    TASK,
    WRITING,
)
from mkmine.targets import Flow, Node, ProcessModel

__all__ = ["CHECK", "article_card", "article_target"]

CHECK = "Проверка брифа"
LAWYERS = "Юристы"

_LANES = {
    TASK: HEAD, BRIEF: MARKETER, CHECK: COPYWRITER, WRITING: COPYWRITER, APPROVAL: EDITOR, LEGAL: LAWYERS,
    DESIGN: DESIGNER, FINAL: APPROVER, PUBLICATION: CONTENT,
}  # fmt: skip


def article_target() -> ProcessModel:
    """Return the TO-BE model, with a lane for every role."""
    tasks = {
        "task": TASK, "brief": BRIEF, "check": CHECK, "write": WRITING, "approve": APPROVAL, "legal": LEGAL,
        "design": DESIGN, "final": FINAL, "publish": PUBLICATION,
    }  # fmt: skip
    gates = {
        "accepted": ("Задача принята?", HEAD), "brief_ok": ("Бриф полон?", COPYWRITER), "to_write": ("", COPYWRITER),
        "text_ok": ("Текст принят?", EDITOR), "needs_legal": ("Нужны юристы?", EDITOR), "legal_done": ("", EDITOR),
        "needs_design": ("Нужны иллюстрации?", EDITOR), "to_design": ("", DESIGNER), "to_final": ("", APPROVER),
        "final_ok": ("Принято?", APPROVER), "to_brief": ("", MARKETER),
    }  # fmt: skip
    nodes = [
        Node(id="start", kind="start", name="Нужна статья", lane=HEAD),
        *(Node(id=id_, kind="task", name=name, lane=_LANES[name], element="userTask") for id_, name in tasks.items()),
        *(Node(id=id_, kind="exclusive", name=name, lane=lane) for id_, (name, lane) in gates.items()),
        Node(id="published", kind="end", name="Статья опубликована", lane=CONTENT),
        Node(id="cancelled", kind="end", name="Задача отменена", lane=HEAD),
    ]
    steps = [
        ("start", "task", ""), ("task", "accepted", ""), ("accepted", "to_brief", "да"),
        ("accepted", "cancelled", "нет"), ("to_brief", "brief", ""), ("brief", "check", ""), ("check", "brief_ok", ""),
        ("brief_ok", "to_brief", "нет"),
        ("brief_ok", "to_write", "да"), ("to_write", "write", ""), ("write", "approve", ""), ("approve", "text_ok", ""),
        ("text_ok", "to_write", "на доработку"), ("text_ok", "needs_legal", "да"), ("needs_legal", "legal", "да"),
        ("needs_legal", "legal_done", "нет"), ("legal", "legal_done", ""), ("legal_done", "needs_design", ""),
        ("needs_design", "to_design", "да"), ("needs_design", "to_final", "нет"), ("to_design", "design", ""),
        ("design", "to_final", ""), ("to_final", "final", ""), ("final", "final_ok", ""),
        ("final_ok", "to_design", "на доработку"), ("final_ok", "publish", "да"), ("publish", "published", ""),
    ]  # fmt: skip
    flows = [Flow(id=f"flow_{n}", source=a, target=b, name=name) for n, (a, b, name) in enumerate(steps, 1)]
    return ProcessModel(nodes=tuple(nodes), flows=tuple(flows), name="Производство статьи (как будет)")


def article_card() -> dict[str, Any]:
    """Return the process card as plain values; limits are hours of working time."""
    limits = {
        TASK: 8, BRIEF: 16, CHECK: 4, WRITING: 24, APPROVAL: 12, LEGAL: 40, DESIGN: 24, FINAL: 16, PUBLICATION: 40,
    }  # fmt: skip
    return {
        "process": "Производство статьи",
        "purpose": "Выпускать статьи, которые приводят читателей, в срок и без лишних кругов доработки",
        "owner": HEAD,
        "customer": "Продуктовые команды и отдел продаж",
        "input": "Запрос на статью: тема, аудитория, продукт, желаемая дата",
        "output": "Опубликованная статья, согласованная и оформленная",
        "roles": {
            name: {"responsible": lane, "accountable": APPROVER if name == FINAL else HEAD}
            for name, lane in _LANES.items()
        },
        "limits": limits,
        "case_limit_h": 120,
        "max_rounds": {BRIEF: 2, WRITING: 2, APPROVAL: 2, DESIGN: 2, FINAL: 2},
        "rules": [
            {"precedence": [FINAL, PUBLICATION]},
            {"alternate_response": [WRITING, APPROVAL]},
            {"response": [BRIEF, WRITING], "within_h": 24},
            {"four_eyes": [WRITING, APPROVAL]},
        ],
        "kpis": [
            {
                "name": "Время цикла, медиана",
                "target": 100,
                "figure": "cycle_median_h",
                "measure": "рабочие часы от постановки задачи до публикации",
                "responsible": HEAD,
                "period": "месяц",
            },
            {
                "name": "Статьи, принятые не позднее второго круга",
                "target": "80 %",
                "measure": "доля статей с одним или двумя согласованиями текста",
                "responsible": EDITOR,
                "period": "квартал",
            },
            {
                "name": "Публикации в срок",
                "target": "90 %",
                "figure": "on_time_share",
                "measure": "доля статей, опубликованных не позже срока",
                "responsible": CONTENT,
                "period": "месяц",
            },
        ],
        "documents": {
            BRIEF: [{"name": "Шаблон брифа"}],
            WRITING: [{"name": "Редакционная политика"}],
            LEGAL: [{"name": "Чек-лист юридической проверки"}],
            DESIGN: [{"name": "Бренд-бук"}],
            PUBLICATION: [{"name": "Чек-лист публикации"}],
        },
        # No log has the new check; these ranges are assumptions, and a simulation says so.
        "elicited": {
            "activities": {CHECK: [0.2, 0.4, 1]},
            "choices": {"Бриф полон?": {"нет": [0.05, 0.15, 0.3]}},
        },
        "changes": [
            {"date": "2024-05-13", "who": HEAD, "what": "Первая редакция"},
            {"date": "2025-01-20", "who": HEAD, "what": "Проверка брифа стала отдельным шагом"},
        ],
    }
