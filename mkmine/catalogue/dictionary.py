"""Data dictionaries that are written beside the samples."""

ARTICLE_DICTIONARY = """# Sample: the production of articles in a marketing department

About 1,500 tasks of 18 months (1 July 2024 to 31 December 2025) as a tracker exports them, made by the article world
of mkmine's catalogue (`mkmine/catalogue/article.py`) with the seed 2024. The department and its people are invented.
`python -m mkmine.catalogue.samples` makes the same files again.

| file | what | read with |
|---|---|---|
| `tracker.csv` | history of changes; semicolons, **cp1251** as Russian Excel writes it, Moscow time | `mk.read` |
| `issues.csv` | list of issues; semicolons, UTF-8 with BOM, Moscow time | found beside `tracker.csv` |
| `tracker.json.gz` | the same history as Jira's REST search returns it (`expand=changelog`) | `mk.read` |
| `mapping.yaml` | what the statuses mean, the people's roles, time zone and office hours | found beside the export |
| `to_be.bpmn` | the process as it should be, BPMN 2.0 with lanes and diagram | `mk.read_target` |
| `to_be.card.yaml` | its process card: owner, customer, roles, time limits, rounds, KPIs | found beside `to_be.bpmn` |
| `truth.json` | what really happened: causes of waiting, rework, capacities, the mess that was put in | |

The export holds the issues that changed since 1 July 2024, each with its whole history: it begins with work in progress
and ends with open tasks.

## `tracker.csv`

| column | meaning |
|---|---|
| Ключ задачи | issue key |
| Дата изменения | when the change was made, `dd.mm.yyyy hh:mm:ss`, Europe/Moscow |
| Автор | who made it; `Удалённый пользователь` is an account that was deleted |
| Поле | what changed: `Статус` (status) or `Исполнитель` (assignee) |
| Было, Стало | old and new value; empty: nobody |

## `issues.csv`

| column | meaning |
|---|---|
| Ключ задачи | issue key |
| Тема | title |
| Тип | type: Статья (article), Кейс (case study), Новость (news), Лонгрид (long read) |
| Приоритет | priority: Высокий (high), Средний (medium), Низкий (low) |
| Направление | product area |
| Автор | who asked for it |
| Исполнитель | current assignee |
| Статус | current status |
| Создано | when the issue was created |
| Срок | due date |

Type, priority, area, title and requester have no influence on anything in this world; the due date orders the queues.

## Statuses (in the order in which an issue meets them)

| status | English | kind | activity, role |
|---|---|---|---|
| Новая | new | queue | |
| Постановка задачи | task setting | work | Руководитель маркетинга (head of marketing), two hours each morning |
| Ждёт маркетолога | waits for a marketer | queue | |
| Бриф | brief | work | Маркетолог (marketer) |
| Ждёт копирайтера | waits for a copywriter | queue | |
| Написание текста, until 2 February 2025 «Копирайтинг» | writing | work | Копирайтер (copywriter) |
| Ждёт согласования | waits for approval | queue | |
| Согласование текста | approval of the text | work | Редактор (editor), part-time |
| У юристов | with the lawyers | outside | Юридическая проверка (legal check) |
| Ждёт дизайнера | waits for a designer | queue | |
| Дизайн | design | work | Дизайнер (designer) |
| У агентства | with the agency | outside | Дизайн в агентстве (design by the agency) |
| Ждёт финального согласования | waits for the final approval | queue | |
| Финальное согласование | final approval | work | Согласующий (approver), Thursdays only |
| Готово к публикации | ready to publish, until its slot | queue | |
| Опубликовано | published | done | Публикация (publication), Контент-менеджер (content manager) |
| Отменено | cancelled | cancelled | |

The publication leaves one instant in the tracker (the change to «Опубликовано»): its start is not recorded.

## The mess in it

As in a real tracker, and counted in `truth.json`: moves straight into work although the task waited (`skipped queue`),
work that nobody marked (`skipped work`), cards moved in one minute at the end of the day (`bulk move`), wrong statuses
corrected within seconds (`misclick`), tasks closed only at the clean-up of the next month (`forgotten closing`), a
renamed status, and a deleted user.

## `truth.json`

- `waiting`: working hours (office calendar) that work waited, by activity and cause: `outside_h` (a delay before the
  work was offered, e.g. a publication slot), `unavailability_h` (nobody of the role on duty), `contention_h` (somebody
  on duty, but busy or with other work first). How much of the contention is due to priority cannot be separated.
- `rework`: by activity and round, the world's probability that work is sent back, and how often that happened.
- `capacities`: by role, people at the start, hours per week, open and busy hours in the window, utilisation.
- `mess`: moves of the exported issues by kind of mess.
- `seed`, `world_sha256`: what the files were made from.
"""
