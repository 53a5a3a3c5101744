"""Every promise of the product: an id, a sentence, and the rows of the feature list that it serves.

A test names the promises that it proves with `@pytest.mark.proves("id")`. Both directions are checked: a promise
without a test fails, and so does a test that proves a promise which is not written here. `gap` says what does not
hold yet.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. `rows` are numbers of the founding feature list; 0 stands for the design itself."""

    id: str
    sentence: str
    rows: tuple[int, ...] = (0,)
    gap: str = ""


PROMISES = (
    # The first conversation
    Promise("first.parallel_plan", "Two places are asked for side by side, and answered at once.", (5, 11, 13)),
    Promise("first.missing_argument", "A missing time zone is asked for by its name.", (4,)),
    Promise("first.greeting", "A greeting is answered without any model.", (9,)),
    Promise(
        "first.out_of_scope", "What nothing here can do is declined kindly, with what can be done, and counted.", (21,)
    ),
    Promise("why.last_turn", "/why explains the last turn.", (29, 45)),
    Promise("dossier.complete", "Everything that was decided in a turn is on record, with its reason.", (29, 45)),
    Promise("dossier.no_secrets", "No secret gets into the record of a turn.", (45,)),
    Promise("dossier.old_ones", "Records of older versions are still told.", (45,)),
    Promise("dossier.plan_versions", "What a plan has been is told with the reason of each change.", (45,)),
    Promise(
        "claims.marked", "An answer that claims an action which nothing did is corrected, and that is noted.", (12,)
    ),
    Promise("claims.no_false_alarm", "What claims no action of this turn is not corrected.", (12,)),
    Promise("dossier.command", "`errand dossier` tells a turn, or prints all of it as JSON.", (45,)),
    Promise("replay.decides", "Stored turns are decided again by another chain, with the talk as it was.", (47,)),
    Promise("replay.harmless", "A replay runs no tool, stores nothing, and nobody sees anything of it.", (47,)),
    Promise("replay.differences", "What two decisions differ in is named; names of steps are no difference.", (47,)),
    Promise("prices.known", "A model call costs its tokens times the published price.", (29, 50)),
    Promise("prices.unknown", "A price that nobody knows is unknown, never 0.", (29,)),
    Promise("prices.reported", "The reported cost is within 1 % of usage times price.", (29,)),
    Promise("prices.late", "No start waits for the prices.", (0,)),
    Promise("commands.tool", "A tool can be called by its name with key=value.", (60,)),
    Promise("commands.new", "/new puts the history and the open question away.", (3,)),
    # Plans
    Promise(
        "plan.checked", "A plan that exists can run: every defect is refused by name, before any tool runs.", (10, 41)
    ),
    Promise("plan.mode", "The mode of a plan is read off its graph.", (10, 11)),
    Promise(
        "plan.parallel_on_servers", "Two places are compared by two calls of an MCP server side by side.", (11, 13)
    ),
    Promise("plan.in_order_on_servers", "What one call fetched is sent by the next one, in order.", (11, 16)),
    Promise("plan.references", "A step can use any part of an earlier result.", (11, 52)),
    Promise("plan.notation", "A plan can be written in a line a step; what cannot be read is named by line.", (60,)),
    Promise("plan.gold", "Public gold plans construct, as far as they keep to their own schemas.", (41,)),
    Promise("plan.defects", "Every defect planted into a public plan is refused with a message that names it.", (41,)),
    Promise("plan.limits", "A model's plan is bounded in steps and workers, and sent back where it is larger.", (41,)),
    Promise("plan.continued", "Further steps go on behind those that stay, under ids of their own.", (43,)),
    Promise("planner.hand_over", "A planner's own chain writes the plans; the router's stands behind it.", (7, 40, 50)),
    Promise("headstart.begins", "A step begins as soon as its line is written, before the plan has ended.", (0, 52)),
    Promise("headstart.harmless", "Nothing risky, doubted or incomplete begins before its plan is known.", (37,)),
    Promise("headstart.void", "What was begun for a plan that is void is ended and forgotten.", (8,)),
    Promise("replan.observations", "After a step that did not work the planner goes on from the results.", (0, 44)),
    Promise("replan.bounded", "A request gets only so many new plans.", (0,)),
    Promise("replan.asks_again", "A yes counts for the step that was shown, not for that of a new plan.", (37,)),
    Promise(
        "scheduler.property", "Each step runs once, after its dependencies, eagerly, never above the limit.", (11, 52)
    ),
    Promise("scheduler.eager", "A step starts when its own dependencies are done, not when a level is.", (11, 25, 52)),
    Promise("scheduler.makespan", "With slots for all steps a plan takes its critical path, not more.", (11, 25, 52)),
    Promise("scheduler.resume", "A step with a known result is not run again.", (0, 54)),
    Promise("steps.retries", "A harmless call is tried again when trouble may pass, a risky one never.", (53, 54)),
    Promise("steps.input_size", "An argument that is too long fails its step by its name.", (0,)),
    Promise("resources.bypass", "A small step runs while a large one waits for its room.", (25,)),
    Promise("resources.no_starvation", "A large step is passed only so often.", (25,)),
    Promise("resources.cancel", "A step that is cancelled while it waits holds nothing.", (25,)),
    Promise("resources.never", "Needs for which there never is room are named with their setting.", (24, 25)),
    Promise("resources.property", "Never more is taken than there is, and everything ends.", (25,)),
    Promise("durations.learned", "How long tools take is learned: 0.7 of the old and 0.3 of the new.", (38,)),
    Promise("durations.order", "Where more are ready than may run, the longest way goes first.", (24, 38)),
    # Questions and approvals
    Promise("guard.grounding", "An argument that nobody said is asked for by its name, not guessed.", (4, 20)),
    Promise("guard.wrong_plans", "Of a model's wrong calls three in four do not happen.", (4, 20)),
    Promise("clarify.by_name", "What is missing is asked for by its name, with its choices.", (4,)),
    Promise("clarify.answer", "An answer is read as what was asked for: a number as a choice, a city as a zone.", (4,)),
    Promise("clarify.resumes", "The answer goes on with the stored plan, and earlier steps are not run again.", (4,)),
    Promise(
        "approval.asked",
        "A tool that may change something runs after a yes of the one who was asked, never without.",
        (37,),
    ),
    Promise(
        "steps.fallback", "A tool that does not work is replaced by its fallbacks, as far as they are harmless.", (44,)
    ),
    Promise("synthesis.join", "Without a model the answer names what worked and what did not.", (12,)),
    Promise("synthesis.streams", "The answer of a plan is shown while it comes.", (12,)),
    Promise("synthesis.template", "A template makes the answer of a plan, without any model.", (60,)),
    Promise("approval.session", "A yes may hold for one conversation of one person.", (37,)),
    Promise("approval.always", "A yes may hold for good.", (37,)),
    Promise("approval.revoked", "What was allowed for good is listed and can be taken back.", (37,)),
    Promise("approval.destructive", "A destructive tool wants a yes each time.", (37,)),
    Promise("approval.cost", "A call that costs more than is free asks first.", (34, 37)),
    Promise("approval.threshold", "How sure is sure enough is a setting, and on record where it decided.", (20,)),
    Promise("approval.person", "Only the one who was asked may agree, decline or change.", (37,)),
    Promise("review.many_questions", "A plan that would ask too much is shown as a whole before it runs.", (20, 37)),
    Promise("review.declined", "A plan that is declined runs nothing.", (37,)),
    Promise("review.edited", "A plan can be changed in words before it runs; each version is kept.", (37, 45)),
    Promise("review.seen", "A go agrees only to what was shown in full.", (37,)),
    Promise("review.always", "Where every plan is reviewed, a new one after a failure is too.", (37,)),
    Promise("review.confidence", "A plan that is doubted says how sure it is.", (20,)),
    Promise("clarify.in_words", "An answer in free words is read by at most one model call, and checked.", (4,)),
    Promise("clarify.routed", "Words that are no answer are routed, and the question stays open.", (4,)),
    Promise("clarify.stays_open", "Words that cannot be worked on close no question.", (4,)),
    # Workers
    Promise("worker.loop", "A step that needs judgement is done by a model with the tools that it may call.", (50,)),
    Promise("worker.bounded", "A worker ends at its limit of calls, tokens or time, with what it has.", (0,)),
    Promise("worker.policy", "A worker calls only what its step allows; what else it wanted is on record.", (44,)),
    Promise("worker.tool_trouble", "What does not work is told to the worker, who goes on.", (44,)),
    Promise("worker.approval", "A risky call of a worker waits for a yes to exactly that call.", (37,)),
    Promise("worker.key", "Each call of a worker has an idempotency key of its own.", (54,)),
    Promise("worker.without_a_model", "Without a model a task says why it cannot be done.", (8,)),
    Promise("worker.stop", "A stop ends a worker and its model call at once.", (0,)),
    Promise("adherence.counted", "What was planned is held against what ran, step by step.", (44, 46)),
    Promise("adherence.told", "Each deviation from the plan is in the record of the turn and in /why.", (44, 46)),
    Promise("soak.report", "A soak plays mixed requests, and finds every deviation from their plans.", (46, 48)),
    Promise("soak.threshold", "A soak ends with an error below the wanted adherence.", (48,)),
    Promise("soak.live", "A soak can be played with the configured chain.", (48,)),
    Promise("plan.one_step_fallback", "A request whose plan could not run twice becomes one task of a worker.", (43,)),
    # Models
    Promise("model.direct_one_call", "A direct answer is one model call.", (9,)),
    Promise("model.streams", "A direct answer is shown while it comes.", (0,)),
    Promise(
        "model.question_one_call", "A question is one model call, and its answer is routed with the history.", (4,)
    ),
    Promise("model.plan_two_calls", "A plan without trouble is at most two model calls.", (10, 12)),
    Promise("model.refuse", "A model can decline what is out of scope.", (21,)),
    Promise("model.repair", "A plan that cannot run is sent back once, with its problems.", (43,)),
    Promise("model.falls_to_second", "A broken or slow model leads to the next one of its chain.", (8, 33)),
    Promise("model.falls_to_offline", "When no model answers, the tier without one does.", (8, 33)),
    Promise(
        "model.every_trouble",
        "Whatever fails in whichever chain, a request ends in one useful outcome, and nothing happens twice.",
        (8, 33),
    ),
    Promise("model.no_provider_text", "The person never sees a provider's error text, nor a key.", (8,)),
    Promise("models.openai_compatible", "Any OpenAI-compatible server can be asked.", (7, 61)),
    Promise("models.providers", "Every provider is asked through its own client, in its own format.", (7, 17, 61, 62)),
    Promise(
        "models.keys",
        "Keys and addresses come from each provider's usual variables, and a missing one is named.",
        (61, 62),
    ),
    Promise("models.entra", "Azure is asked with a token of Entra ID where there is no key.", (61,)),
    Promise("models.addresses", "Models at several addresses, servers of one's own too, work in one chain.", (7, 62)),
    Promise(
        "models.schema",
        "An answer by schema is JSON, natively where the provider can, else asked for in words.",
        (43, 61),
    ),
    Promise(
        "models.calls_streaming", "Tool calls are shown while they come, as far as the provider streams them.", (0,)
    ),
    Promise("models.lazy", "Nothing of a provider is imported before a model of it is made.", (0,)),
    Promise("models.doctor", "The doctor asks every model, and names what to check.", (33,)),
    Promise("models.streaming", "Text is handed on while it comes, always the whole of it so far.", (0,)),
    Promise("models.tool_calls", "Tool calls are handed back, never run by a client.", (0,)),
    Promise("models.errors_typed", "Every trouble of a provider is a typed error without its words.", (8,)),
    Promise("models.timeouts", "A model that hangs is given up in time, and its connection closed.", (33,)),
    Promise("models.cached", "A model's client is made once.", (0,)),
    Promise("models.extra", "A client that is not installed is named with the extra that brings it.", (0,)),
    Promise("chain.order", "The models of a chain are asked in their order, and every call is on record.", (7, 8, 34)),
    Promise("chain.options", "Each model of a chain may have a temperature and a time of its own.", (40,)),
    Promise("chain.retries", "A model is asked again only after trouble that may pass, and within its time.", (8, 33)),
    Promise("chain.breaker", "A model that fails three times in a row rests, and is then tried once.", (8,)),
    Promise("chain.void_text", "Text of a model that fails halfway is taken back.", (8,)),
    # Without a model
    Promise("offline.plans", "Without a model, a request becomes a call of the tool that its words name.", (8,)),
    Promise("offline.refuses", "Without a model, what no tool is for is declined with what there is.", (21,)),
    Promise("offline.decides", "Without a model it calls, asks and refuses as public gold wants it.", (8,)),
    Promise("offline.runs", "Without a model, of what runs without asking four in five and more are right.", (8,)),
    Promise("offline.irrelevance", "Without a model, nine in ten irrelevant requests and more run nothing.", (8,)),
    # Restarts, stops, order
    Promise("inbox.once", "The same event delivered twenty times at once is answered once.", (18,)),
    Promise("restart.one_answer", "Killed at any boundary of a turn, each message gets exactly one answer.", (0,)),
    Promise("restart.no_repeat", "A finished tool call is never made twice.", (0, 54)),
    Promise("restart.question", "A question survives the process that asked it.", (4,)),
    Promise("restart.edit", "A change of a plan survives a kill on either side of its storing.", (37,)),
    Promise(
        "restart.unknown_outcome", "A risky call that may have happened is put to the person, never repeated.", (0,)
    ),
    Promise("restart.poison", "A message over which three processes died is answered as failed.", (0,)),
    Promise("store.notes", "What a channel notes for itself survives a restart, and is nobody else's.", (0,)),
    Promise("dispatch.left_over", "What was not shown comes first in its session, and holds up no other.", (0,)),
    Promise("dispatch.order", "Turns of a session run in the order of arrival, sessions side by side.", (0,)),
    Promise("foreign.marked", "Words of others that come with a message are marked as data.", (0,)),
    Promise("foreign.recalled", "Words that a channel has to look up are recalled before the turn, and stored.", (2,)),
    Promise("feedback.kept", "What people think of an answer is kept with its turn, and told with it.", (2,)),
    # Budgets
    Promise("budget.never_overspent", "Whatever is reserved at once, a budget never holds more than its limit.", (34,)),
    Promise("budget.settled", "What a call used is counted once; what a dead process held is spent.", (34,)),
    Promise("budget.stops", "A spent budget stops its own people with a clear word, and nobody else.", (34,)),
    Promise(
        "budget.cheaper",
        "Where little is left, simple requests go to the cheap chain, and calls to models that fit.",
        (32, 34),
    ),
    Promise("budget.raised", "Admins are asked for more by a stored question; only they can answer it.", (34,)),
    Promise("budget.unknown", "Money that nobody knows counts in budgets as a setting says.", (34,)),
    Promise("budget.quota", "A provider whose quota is used up leads to the next one at once.", (33, 34)),
    Promise("budget.pace", "One person sends so many messages a minute; others are not held up.", (34,)),
    Promise("budget.proxy", "What a LiteLLM proxy says of our key's budget is told to admins.", (34,)),
    Promise("budget.told", "/usage tells days, months, and to admins people, and what two models saved.", (34,)),
    Promise("budget.limits", "All limits that fit hold; one for a single scope stands over its kind's.", (34,)),
    Promise("budget.warned", "At 80 % of a budget its person is told, once.", (34,)),
    # Local first
    Promise("local.simple_first", "Simple requests are decided by the local model, where there is one.", (32,)),
    Promise("local.complex_elsewhere", "Complex requests go straight to the external model, and /why says why.", (32,)),
    Promise(
        "local.goes_on",
        "Where the local model does not answer, or its plan does not do, the external one decides in the same turn.",
        (32, 33),
    ),
    Promise("local.once", "Whoever decides in the end, nobody sees two answers, and no step runs twice.", (32,)),
    Promise(
        "local.thrifty", "Where little is left of a budget, the local model answers what it has decided.", (32, 34)
    ),
    Promise("complexity.honest", "How complex a request is follows from its words alone, and is measured.", (32,)),
    Promise(
        "eval.routing", "`errand eval routing` tells how the choice of models did, and claims nothing from few.", (32,)
    ),
    Promise("plan.one_call", "All related subtasks of a message are planned in one call.", (35,)),
    Promise("usage.told", "People are told what the answers to them have used, and nobody else is.", (2,)),
    # Files
    Promise("files.kept", "What is kept is read again, whole, under its name, and the same thing is kept once.", (0,)),
    Promise("files.inside", "No name and no id of a file leads out of the folder of files.", (0,)),
    Promise("files.trouble", "A disk that refuses a file, and a file that is gone, are told in a sentence.", (0,)),
    Promise("files.fetched_once", "A file is fetched from its channel once, also over a restart.", (0,)),
    Promise("files.not_fetched", "A file that cannot be fetched is named with the reason; the others go on.", (0,)),
    Promise("files.made", "A file that a tool makes is kept before anything else, and comes with the answer.", (0,)),
    Promise("files.shown", "A model sees which files came and what stands in those that are text, as data.", (0,)),
    Promise("files.pictures", "Models see pictures where the settings say so, and only there.", (0,)),
    Promise("files.remembered", "The history knows that a file came and where it is, not what stood in it.", (0,)),
    Promise("files.without_model", "Without a model a file goes where a tool wants one, or is answered kindly.", (0,)),
    Promise("files.heard", "A voice message is written down once by the tool that the settings name.", (0,)),
    Promise("files.unheard", "A voice message that cannot be heard is answered with what to do instead.", (0,)),
    Promise("files.told", "A terminal shows each file of an answer with its place.", (0,)),
    Promise("files.passed_on", "A later step can use a file that an earlier one made.", (0,)),
    Promise("command.once", "A command changes things once, also where its end is stored late.", (0,)),
    Promise("stop.now", "A stop ends what runs at once, and says what was finished.", (0,)),
    Promise(
        "drain", "At the end of the process running turns end, and waiting ones are left for the next start.", (0,)
    ),
    Promise("busy.queue", "A message that comes meanwhile waits, and is told its place.", (0,)),
    Promise("busy.interrupt", "Where that is wanted, a message ends the turn before it and is taken itself.", (0,)),
    Promise("busy.steer", "Where that is wanted, a message goes into the running turn and ends with it.", (0,)),
    Promise("busy.edit_running", "An edit begins a turn anew as long as nothing was changed.", (0,)),
    Promise("busy.edit_waiting", "An edit changes a message that waits, also over a restart.", (0,)),
    Promise("busy.edit_late", "An edit that comes too late is told so.", (0,)),
    Promise("busy.edit_person", "Nobody changes the words of somebody else.", (0,)),
    Promise("busy.drained", "What goes on besides the turns keeps no process from ending.", (0,)),
    # Bad input
    Promise("input.size", "An empty or a huge message is answered with the reason.", (18,)),
    Promise("input.text_repaired", "Any text at all can be stored and answered.", (18,)),
    Promise("input.lines", "A line that is no message is rejected with the field.", (0,)),
    Promise("edge.channel", "A channel that breaks takes nobody down, and its answers come at the next start.", (0,)),
    Promise("edge.turn", "A turn that breaks says so, and the next one works.", (0,)),
    Promise("settings.errors", "A wrong setting stops the start with its name, its value and what it must be.", (0,)),
    Promise("storage.one_process", "A second process on one database is refused.", (0,)),
    Promise("storage.unusable_told", "A file that is no database is named and left as it is.", (0,)),
    Promise("storage.locked_told", "A locked database rejects the message and takes it afterwards.", (0,)),
    Promise("storage.full_told", "A full disk rejects the message, and takes it when there is space.", (0,)),
    # Moving, backup, restore
    Promise("storage.migrate_same", "Every table arrives in the other database with the same rows, and back.", (3,)),
    Promise("storage.migrate_goes_on", "Numbers, audit and search go on in the other database.", (45,)),
    Promise("storage.migrate_question", "A question that was moved is answered there; no call is repeated.", (4, 54)),
    Promise("storage.migrate_refuses", "What is not empty, in use, newer or missing is refused untouched.", (0,)),
    Promise("storage.migrate_row", "A row that the other database cannot take is named.", (0,)),
    Promise("storage.migrate_checked", "A copy that differs by count or hash is named and not kept.", (0,)),
    Promise("storage.migrate_whole", "A copy that is killed or stopped leaves the other database empty.", (0,)),
    Promise("storage.migrate_told", "The command says what arrived and what to set, without a password.", (0,)),
    Promise("storage.backup_runs", "A backup is of one moment, also while Errand works.", (0,)),
    Promise("storage.backup_restores", "A backup comes back with its files, into either kind of database.", (3,)),
    Promise("storage.backup_damaged", "A damaged or foreign backup is refused, and nothing is changed.", (0,)),
    Promise("storage.backup_refuses", "A restore goes into an empty database and among no other files.", (0,)),
    # Storage
    Promise("store.once", "The same event is remembered once, however often and at once it comes.", (18,)),
    Promise(
        "store.unfinished", "What a process left unfinished comes back oldest first, with its counted attempts.", (0,)
    ),
    Promise("store.history", "History is the last turns since /new, of one session, without commands.", (3,)),
    Promise("store.question", "A session has at most one open question, closed or replaced in one transaction.", (4,)),
    Promise("store.known_steps", "What is known of a step survives a restart.", (45,)),
    Promise("store.outbox", "Parcels keep their ids and their order, and wait until they are delivered.", (0,)),
    Promise("store.idempotent", "Finishing a finished turn changes nothing and hands out nothing twice.", (0,)),
    Promise("store.atomic", "A turn's end is stored as a whole or not at all.", (0,)),
    Promise("store.isolation", "A failing write harms no other.", (0,)),
    Promise("store.cancelled", "A cancelled write is whole or absent, and the event reaches one caller.", (0,)),
    Promise("store.busy", "A locked database is waited for, then reported as busy, and works afterwards.", (0,)),
    Promise("store.full", "On a full disk nothing is half stored, and work goes on when there is space.", (0,)),
    Promise("store.readonly", "A database that cannot be written says so.", (0,)),
    Promise("store.unreadable", "A file that is no database is left alone and named.", (0,)),
    Promise("store.newer", "A newer version's database is refused untouched.", (0,)),
    Promise("store.owner", "One Errand per database, until it closes or dies.", (0,)),
    Promise("store.migrations", "Migrations from an empty database equal the tables of the code.", (0,)),
    Promise("store.start", "Paths and URLs open, missing things are made, wrong ones are explained.", (0,)),
    Promise("store.private", "Nobody else may read the file, and no message holds a password.", (0,)),
    Promise("store.times", "Times are UTC and aware on both databases.", (0,)),
    Promise("store.text", "Text comes back as it was, or is refused by name.", (0,)),
    # Tools
    Promise(
        "tools.mcp.stdio", "A real MCP server is called over stdio; its tools carry its name and its promises.", (13,)
    ),
    Promise("tools.mcp.http", "A server is called over streamable HTTP; cancelling a call cancels it there.", (13,)),
    Promise(
        "tools.mcp.reconnect", "A server that dies is connected again; a harmless call is answered all the same.", (13,)
    ),
    Promise("tools.mcp.outcome_unknown", "A call that may have changed something is never repeated by itself.", (54,)),
    Promise("tools.mcp.process_group", "Stopping ends every server and all that it started.", (13,)),
    Promise(
        "tools.mcp.missing_binary", "A program that is not there is said with its place in the file and the fix.", (13,)
    ),
    Promise("tools.mcp.config_errors", "Every defect of mcp.json is named with file, line, field and fix.", (13,)),
    Promise("tools.mcp.config_dialects", "Files of Claude, Cursor and VS Code are read as they are.", (13,)),
    Promise("tools.mcp.elicitation", "What a server asks while it works is asked in the chat, and answered.", (4, 13)),
    Promise("tools.mcp.elicitation_refused", "A server's question can be declined or cancelled.", (4, 13)),
    Promise(
        "tools.mcp.elicitation_restart",
        "A server's question is answered after a restart too, where the server allows it; else that is said.",
        (4, 13),
    ),
    Promise("tools.mcp.sign_in", "People sign in to servers in private, each with an account of their own.", (13,)),
    Promise("tools.mcp.tokens", "Sign-ins are encrypted at rest, and renewed also after a restart.", (13, 36)),
    Promise(
        "tools.mcp.real_servers", "Servers of others are used as they are, also killed, hung, and restarted.", (13,)
    ),
    Promise("tools.command", "`errand tools` lists, adds, tries and calls tools.", (13,)),
    Promise("tools.mcp.no_child_left", "Connections that come and go leave no process.", (13,)),
    Promise("tools.mcp.concurrency", "A server gets no more calls at once than it is set to take.", (13,)),
    Promise("tools.mcp.progress", "How far a call is, is shown while it runs.", (13,)),
    Promise("tools.mcp.isolation_of_people", "People who use one server see nothing of each other.", (13,)),
    Promise("tools.mcp.resources", "What servers have is listed and read by a tool that changes nothing.", (13,)),
    Promise("tools.mcp.prompts", "A server's prompts are slash words, and what they say is said by the person.", (13,)),
    Promise("tools.mcp.sse", "Servers of the older SSE transport are called too.", (13,)),
    Promise("tools.mcp.elicitation_page", "A page that a server sends to is shown in private alone.", (4, 13)),
    Promise(
        "tools.mcp.conformance", "The client scenarios of MCP's own conformance suite pass over our connections.", (13,)
    ),
    Promise("tools.mcp.isolation", "A bad server disturbs no other, and sees none of our secrets.", (13,)),
    Promise("tools.error_told", "A tool's own no is told in its words.", (44,)),
    Promise("tools.dies", "A server that dies in a risky call leads to a question, not to a repeat.", (44, 54)),
    Promise(
        "tools.missing_binary", "A server whose program is missing is named in /status and disturbs nobody.", (13,)
    ),
    Promise("tools.functions.schema", "A typed function becomes a tool with its words and types.", (51, 56)),
    Promise("tools.functions.discovery", "Modules that a setting names bring their functions, or an error.", (56,)),
    Promise("tools.functions.validation", "A wrong argument is told by its name, with the fix.", (56,)),
    Promise("tools.functions.key", "A function that wants the idempotency key gets it; nobody else sees it.", (54,)),
    Promise("tools.functions.failure", "What a function raises is a result; a bug of it is logged.", (56,)),
    Promise("tools.functions.timeout", "A function that does not end is not waited for.", (56,)),
    Promise(
        "tools.builtin.calculator", "The calculator agrees with Python, and refuses what is no calculation.", (56,)
    ),
    Promise("tools.builtin.dates", "Dates are counted, shifted and named.", (56,)),
    Promise("tools.builtin.receipts", "Money is exact: tax, discount, merging, filtering, statistics.", (56, 57)),
    Promise(
        "receipts.exact", "The sample receipts come to the expected cent in every channel, without any model.", (57, 60)
    ),
    Promise("receipts.read", "Goods, quantities, deductions, taxes and the total are read from printed lines.", (57,)),
    Promise("receipts.difference", "A printed total that is not the sum of the lines is told.", (57,)),
    Promise("receipts.chart", "What was spent on what is drawn as a picture.", (57,)),
    Promise("receipts.categories", "Goods are sorted by a small model, and by rules where none answers.", (57, 62)),
    Promise("receipts.pictures", "Pictures are read by Azure or Tesseract, and only those that were sent.", (57,)),
    Promise("receipts.asks", "Where nothing reads pictures, the text is asked for.", (4, 57)),
    Promise("receipts.meant", "Without a model a receipt is known by its looks or its name.", (57,)),
    Promise("tools.catalog.routing", "A call goes to the source that has the tool.", (51, 58)),
    Promise("tools.catalog.collisions", "A name that is taken stays with its first source, and that is said.", (58,)),
    Promise(
        "tools.catalog.lifecycle", "Sources start and stop side by side; one that fails keeps nobody from it.", (13,)
    ),
    Promise("tools.catalog.offer", "Few tools are all shown, of many those that fit best.", (58, 59)),
    Promise("tools.search.bm25", "Search finds tools of real catalogues by words.", (59,)),
    Promise(
        "tools.search.fusion", "With an embedder tools are found by meaning too, and by words where it fails.", (59,)
    ),
    Promise("tools.fitting", "The schemas of a prompt take at most 4,000 tokens, whatever the catalogue.", (58, 59)),
    Promise("tools.find.front", "A model that sees only some of the tools can look for more, so many times.", (59,)),
    Promise("tools.find.worker", "A worker can look for tools, among those that its plan allows.", (44, 59)),
    Promise(
        "tools.per_request", "A request can name the only tools that it may use, and that holds to its end.", (58,)
    ),
    Promise("tools.formats", "Tools go to OpenAI, Anthropic and Gemini whole, and come back as they were.", (58,)),
    Promise("tools.catalog.usable", "What cannot be a tool is left out, and said with the reason.", (58,)),
    # Channels
    Promise("channel.conformance.accept_first", "Nothing is acknowledged before it is durable.", (18,)),
    Promise("channel.conformance.rejected_told", "What was not taken is told, with the reason.", (0,)),
    Promise("channel.conformance.shown_once", "A final part is shown once.", (0,)),
    Promise("channel.conformance.repeated", "A repeated delivery is marked, or replaces the first.", (0,)),
    Promise("channel.conformance.live_harmless", "Live parts never raise.", (0,)),
    Promise("channel.conformance.order", "Deliveries keep their order.", (0,)),
    Promise("channel.conformance.safe_text", "No control characters reach a person.", (0,)),
    Promise("channel.conformance.choices", "A question shows all of its choices.", (4,)),
    Promise("channel.conformance.chats_apart", "Two chats never mix.", (0,)),
    Promise("channel.console.pipe", "In a pipe each line is answered in plain, final text.", (0,)),
    Promise("channel.console.in_turn", "In a pipe a line is read after the answer to the one before.", (0,)),
    Promise("channel.console.not_taken", "Refused words come back with the reason.", (0,)),
    Promise("channel.console.safe", "No text sends more to a terminal than colours.", (0,)),
    Promise("channel.console.light", "A pipe loads neither prompt nor renderer.", (0,)),
    Promise("channel.console.one_answer", "Drafts end in one answer on the screen.", (0,)),
    Promise("channel.console.stop", "Ctrl-C stops what runs and keeps what is typed.", (0,)),
    Promise("channel.console.many_lines", "A paste, a backslash or Alt-Enter make one message.", (0,)),
    Promise("channel.console.leave", "Leaving waits for what runs, but not for ever.", (0,)),
    Promise("channel.console.no_color", "NO_COLOR sends no colour.", (0,)),
    Promise("channel.lines.mapping", "A line becomes exactly its Inbound.", (0,)),
    Promise("channel.lines.rejected", "A bad line is rejected with its field and the fix.", (0,)),
    Promise("channel.lines.long_line", "A line that is too long is refused and skipped.", (0,)),
    Promise("channel.lines.whole_lines", "A cancelled write leaves no half line.", (0,)),
    Promise("channel.lines.end", "The end of the input waits for answers; a closed reader ends it.", (0,)),
    # Telegram
    Promise("telegram.answer", "A message in Telegram is answered once.", (1,)),
    Promise("telegram.draft", "An answer grows in a draft, which a button stops.", (1,)),
    Promise("telegram.stop", "A typed stop ends what runs.", (1,)),
    Promise("telegram.group_picture", "In a group one message shows the plan, and becomes the answer.", (1,)),
    Promise("telegram.group_killed", "A picture that a dead process has left becomes the answer.", (1, 18)),
    Promise("telegram.buttons", "Choices are buttons, which close with the choice.", (1,)),
    Promise("telegram.buttons_after_restart", "A press counts in whichever process it arrives.", (1, 18)),
    Promise("telegram.right_person", "Only the one who was asked may press.", (1, 37)),
    Promise("telegram.text_answer", "An answer in words closes the buttons too.", (1,)),
    Promise("telegram.force_reply", "In a group a reply answers a question, and the keyboard opens for it.", (1,)),
    Promise("telegram.form", "Several questions are picked one by one and sent together.", (1,)),
    Promise("telegram.plan_edit", "A plan is shown, changed in words and agreed to by a press.", (1,)),
    Promise("telegram.gate", "In a group only what is for the bot is taken.", (1,)),
    Promise("telegram.context", "What others said is shown to a model only where that is allowed.", (1,)),
    Promise("telegram.topics", "Each topic is a conversation of its own.", (1,)),
    Promise("telegram.titles", "A private topic without a name gets one.", (1,)),
    Promise("telegram.topic_gone", "Where a topic is gone, the answer goes to the chat.", (1,)),
    Promise("telegram.door", "Nobody comes in without being named or bringing a code.", (1,)),
    Promise("telegram.edited", "An edited message gives its turn the new words.", (1,)),
    Promise("telegram.foreign", "Quotes and forwarded words are marked as those of others.", (1,)),
    Promise("telegram.gathered", "What the app has cut or sent as an album is one message.", (1,)),
    Promise("telegram.files", "Files go both ways in Telegram.", (1,)),
    Promise("telegram.once", "The same update is answered once, however often and late it comes.", (1, 18)),
    Promise("telegram.retry_after", "A flood answer is waited out.", (1,)),
    Promise("telegram.server_error", "A server error is tried again.", (1,)),
    Promise("telegram.lost_answer", "What may have arrived is looked for, and marked if it is sent again.", (1, 18)),
    Promise("telegram.formatting_refused", "A text whose formatting is refused arrives without it.", (1,)),
    Promise("telegram.blocked", "A chat that is gone is left alone until it is back.", (1,)),
    Promise("telegram.migrated", "A group that moves takes its conversations along.", (1,)),
    Promise("telegram.old_server", "An older server gets what it knows.", (1,)),
    Promise("telegram.rich", "A table is a rich message where Telegram has them.", (1,)),
    Promise("telegram.conflict", "Another poll of the same bot is waited out.", (1,)),
    Promise("telegram.long", "A long answer comes in pieces.", (1,)),
    Promise("telegram.menu", "Commands are in the menu of each kind of chat, in each language.", (1,)),
    Promise("telegram.webhook", "A webhook takes what has its secret, and says yes after the commit.", (1,)),
    Promise("telegram.token_secret", "The bot's token is in no log.", (1,)),
    Promise("telegram.token_unknown", "A token that is not known ends it with the fix.", (1,)),
    Promise("telegram.typing", "Typing shows work, and nothing follows the answer.", (1,)),
    Promise("telegram.picture_cheap", "A picture that is refused harms no answer.", (1,)),
    Promise("telegram.doctor", "The doctor checks token, privacy mode and webhook, and says the fix.", (1, 49)),
    Promise("telegram.golden", "Conversations read well in a private chat, a group and a topic.", (1,)),
    Promise("telegram.load", "Two hundred chats at once are answered in order, within Telegram's limits.", (1,)),
    Promise("telegram.killed", "After a kill everybody has one answer.", (1, 18)),
    Promise("telegram_text.prefixes", "Every beginning of a text is valid for Telegram.", (1,)),
    Promise("telegram_text.whole", "No word of a text is lost.", (1,)),
    Promise("telegram_text.split", "Pieces of a text hold all of it and are small enough.", (1,)),
    Promise("telegram_text.no_remote", "No picture is fetched from afar.", (1,)),
    Promise("telegram_text.links", "Links lead only to where they may.", (1,)),
    Promise("telegram_text.readable", "Texts read well on a phone.", (1,)),
    Promise("telegram_text.bounded", "Absurd texts take no absurd time.", (1,)),
    # The local Telegram of the tests
    Promise("telegram_fake.messages", "The local Telegram shows what a real one would show, and tells it back.", (1,)),
    Promise("telegram_fake.presses", "A press is answered once, and in time.", (1,)),
    Promise("telegram_fake.drafts", "Drafts pass, and Stop ends them.", (1,)),
    Promise("telegram_fake.refusals", "The local Telegram refuses what the real one refuses, in its words.", (1,)),
    Promise("telegram_fake.polling", "Polls are held, confirmed by the offset, and one at a time.", (1,)),
    Promise("telegram_fake.redelivery", "An update can come again, and out of order.", (1, 18)),
    Promise("telegram_fake.webhook", "Webhooks get updates in the order of a chat, again until they are taken.", (1,)),
    Promise("telegram_fake.floods", "Floods are refused with the seconds to wait, by a clock that tests move.", (1,)),
    Promise("telegram_fake.faults", "Trouble can be ordered: refusals, lost answers, broken connections.", (1,)),
    Promise("telegram_fake.versions", "Older versions of the Bot API lack what came later.", (1,)),
    Promise("telegram_fake.files", "Files go both ways, with the limits of the server.", (1,)),
    Promise("telegram_fake.validator", "Calls and answers are checked against the schema at any depth.", (1,)),
    Promise("telegram_fake.rich", "Rich messages are checked, and read like a page.", (1,)),
    Promise("telegram_fake.people", "People and groups do what they do with a bot.", (1,)),
    Promise("telegram_fake.privacy", "In a group a private bot hears what is meant for it.", (1,)),
    Promise("telegram_fake.topics", "Topics keep their messages apart.", (1,)),
    Promise("telegram_fake.prompt", "A bot can be tried in a terminal, without Telegram.", (1, 49)),
    Promise("telegram_fake.entities", "Entities count in UTF-16 units and are checked.", (1,)),
    # Slack
    Promise("slack.answer", "A message is answered once, in its thread; a mention, which is two events, too.", (2,)),
    Promise(
        "slack.threads",
        "Each thread is a conversation of its own; direct messages are threads, or one, by setting.",
        (2,),
    ),
    Promise(
        "slack.follow", "In a channel it takes mentions, answers of the one it has asked, and its own threads.", (2,)
    ),
    Promise(
        "slack.context",
        "What was said in a thread before a mention is recalled as words of others, the news of it only.",
        (2,),
    ),
    Promise(
        "slack.slash",
        "A slash word works at once and is answered to its person alone; a question begins a thread.",
        (2,),
    ),
    Promise("slack.shortcut", "A message can be asked about in private.", (2,)),
    Promise(
        "slack.once", "The same event, three times or after a restart, over socket and HTTP, is answered once.", (2, 18)
    ),
    Promise(
        "slack.acknowledged_after_commit",
        "Slack is told that something has arrived after the commit; what failed is told.",
        (2, 18),
    ),
    Promise(
        "slack.socket",
        "A socket that is refreshed, breaks or falls silent in the middle of a turn loses nothing.",
        (2, 18),
    ),
    Promise("slack.http", "Requests that are not signed by Slack, or long ago, are refused.", (2,)),
    Promise("slack.floods", "A 429 on any method delays, and neither loses nor doubles.", (2,)),
    Promise("slack.unclear", "An answer that may have arrived is looked for before it is sent again.", (2, 18)),
    Promise("slack.killed", "A killed process leaves no answer lost or doubled, and no stream behind.", (2, 18)),
    Promise("slack.form_refused", "What Slack refuses as blocks goes out as plain text, whole.", (2,)),
    Promise(
        "slack.token", "A token that is revoked, or may too little, is named with the fix, and the answer waits.", (2,)
    ),
    Promise("slack.gone", "Where the app is not any more holds up nobody else.", (2,)),
    Promise("slack.secrets", "No token is in any log.", (2,)),
    Promise(
        "slack.stream", "In a direct message an answer and its plan grow in a native stream with a stop button.", (2,)
    ),
    Promise(
        "slack.stream_trouble",
        "A stream that ends, or does not exist in a workspace, becomes edits of one message.",
        (2,),
    ),
    Promise("slack.channel_picture", "In a channel one message shows the plan and becomes the answer.", (2,)),
    Promise("slack.agent_view", "Who opens the conversation sees what can be asked.", (2,)),
    Promise(
        "slack.buttons",
        "An approval is buttons; after the choice the card says who chose, and nothing can be pressed.",
        (2,),
    ),
    Promise("slack.buttons_after_restart", "A press counts in whichever process it arrives.", (2, 18)),
    Promise("slack.only_the_asked", "Only the one who was asked can press, fill in or answer.", (2,)),
    Promise(
        "slack.form",
        "Several questions are a dialog, many choices a menu; what is missing is said in the dialog.",
        (2,),
    ),
    Promise("slack.edits", "An edit amends, a deletion stops, an unfolded link is nothing.", (2,)),
    Promise("slack.others_ignored", "Other bots, its own words and notes of Slack are not answered.", (2,)),
    Promise(
        "slack.people",
        "Full members come in, guests and strangers only by setting, nobody of whom that is not known.",
        (2,),
    ),
    Promise("slack.feedback", "Feedback by button is kept with the turn.", (2,)),
    Promise("slack.files", "Files go both ways, each once.", (2,)),
    Promise("slack.files_refused", "A file that cannot be taken is named with the reason.", (2,)),
    Promise("slack.files_inside", "No link of a file leads a request, or the token, out of Slack.", (2,)),
    Promise(
        "slack.markdown", "Markdown becomes blocks in which nothing calls a whole channel and nothing is fetched.", (2,)
    ),
    Promise("slack.tables", "A table is a table block, the next one Markdown, a large one several.", (2,)),
    Promise("slack.split", "Long answers come whole, in messages that Slack takes, code as code.", (2,)),
    Promise("slack.golden", "Whole conversations over socket and HTTP, by slash word and shortcut, read well.", (2,)),
    Promise(
        "slack.load",
        "200 threads with five messages each are answered in order; no acknowledgement takes a second.",
        (2,),
    ),
    Promise(
        "slack.installs", "Workspaces and organisations install the app; each is answered with its own token.", (2,)
    ),
    Promise("slack.doctor", "The doctor names what is wrong with tokens and scopes, and the fix.", (2,)),
    Promise("slack.manifest", "`errand init slack` prints a manifest that Slack takes.", (2,)),
    Promise("slack.settings", "A token without a way in is refused with what is missing.", (2,)),
    Promise(
        "slack.second_opinion", "An emulator by somebody else, which lacks much, shows the same conversations.", (2,)
    ),
    # The local Slack
    Promise("fake_slack.messages", "The local Slack shows what a real one would show, and tells it back.", (2,)),
    Promise("fake_slack.refusals", "The local Slack refuses what the real one refuses, in its words.", (2,)),
    Promise("fake_slack.looking", "An app finds people, conversations and what was said, in pages.", (2,)),
    Promise("fake_slack.files", "Files go both ways; without the right token there is a page to sign in.", (2,)),
    Promise("fake_slack.sessions", "An agent has a status, a title, prompts, and Stop where the app hears it.", (2,)),
    Promise("fake_slack.streams", "A stream grows in one mode, has an age and a size, and ends in every way.", (2,)),
    Promise("fake_slack.views", "A trigger opens one modal, soon; forms are filled in, corrected and sent.", (2,)),
    Promise("fake_slack.events", "What people do reaches an app in the shapes of Slack's types.", (2,)),
    Promise("fake_slack.interactions", "Commands, presses and shortcuts reach an app, and it may respond.", (2,)),
    Promise("fake_slack.acks", "What is not acknowledged in three seconds comes again, or has failed.", (2, 18)),
    Promise("fake_slack.sockets", "Connections end in every way that Slack has, and nothing is lost by it.", (2, 18)),
    Promise("fake_slack.http", "Requests are signed, badly or too late when asked, and repeated with a reason.", (2,)),
    Promise(
        "fake_slack.faults", "Trouble can be ordered: refusals, lost answers, broken connections, slow ones.", (2,)
    ),
    Promise(
        "fake_slack.rates", "Too many calls are refused with the seconds to wait, by a clock that tests move.", (2,)
    ),
    Promise("fake_slack.installs", "An app is installed in workspaces and organisations, and removed.", (2,)),
    Promise("fake_slack.validator", "Calls are checked against Slack's own types, at any depth.", (2,)),
    Promise("fake_slack.limits", "Blocks and views have the limits that the types do not tell.", (2,)),
    Promise("fake_slack.prompt", "An app can be tried in a terminal, without Slack.", (2, 49)),
    # Trust
    Promise(
        "trust.poison",
        "Poisoned tools lead to no unplanned call, no leak of a secret and no remote image, even if a model obeys.",
        (44,),
    ),
    Promise(
        "trust.pinned", "A tool whose definition is new or has changed waits until an operator lets it run.", (44,)
    ),
    Promise("trust.suspicious", "A definition with hidden text or known poison waits from its first sight.", (44,)),
    Promise("trust.command", "What waits is told by /status and doctor; `errand tools trust` lets it in.", (13,)),
    Promise("trust.secrets", "No argument and no answer carries a known secret, however it is written.", (44,)),
    Promise("trust.addresses", "Tools are not sent into private networks, nor to addresses nobody named.", (44,)),
    Promise("trust.images", "Images in answers are their words; code that shows one stays.", (44,)),
    Promise("trust.annotations", "A promise to change nothing is not believed against the tool's name.", (44,)),
    Promise("trust.long_results", "A worker reads a long result in parts, marked as data, and nothing is lost.", (44,)),
    # Code steps
    Promise("code.step", "A step of a plan can compute, from earlier results, with a few lines of Python.", (55,)),
    Promise("code.convention", "Code finds its value in `input` and leaves one in `output`; prints are kept.", (55,)),
    Promise("code.tools", "Code can call what its caller lends to it, like a function.", (55,)),
    Promise("code.policy", "Code calls only tools that its step lists and that need no yes.", (44, 55)),
    Promise("code.errors", "An error of code names its line and the fix.", (55,)),
    Promise("code.told", "The card shows code in short, and the record all of it.", (29, 45)),
    Promise("code.no_escape", "Code sees no file, network, environment, and nothing of other runs.", (55,)),
    Promise("code.limits", "Time, memory, depth, output and calls of code are bounded, and a limit says so.", (55,)),
    Promise("code.contained", "Code ends its own step at most, never the bot, and leaves no process.", (55,)),
    Promise("code.optional", "Without the engine there is no such tool, and the status says how to add it.", (55,)),
    # People
    Promise("memory.kept", "What a person wants to be kept in mind is listed, used and forgotten.", (14,)),
    Promise("memory.private", "Memories of one person are nobody else's.", (14,)),
    Promise("memory.bounded", "What cannot be kept in mind is told with the fix.", (14,)),
    Promise("template.saved", "A good turn becomes a named plan with parameters, and runs without a model.", (22, 60)),
    Promise("template.made_by", "A template is its maker's to change, and shows its values to nobody else.", (22,)),
    Promise("template.asks", "What a template needs and nobody said is asked for.", (22,)),
    Promise("template.checked", "A template is checked against today's tools.", (22, 41)),
    Promise("verbosity", "How much is shown is each person's own choice.", (23,)),
    Promise("language", "Each person is spoken to in the language of their choice.", (0,)),
    Promise("summary.made", "What leaves the history is summed up, once.", (3,)),
    Promise("summary.never_in_the_way", "A summary never delays or harms an answer.", (3,)),
    # People and roles
    Promise("people.file", "The policy file is read strictly: what is wrong is named by its key, with the fix.", (0,)),
    Promise("people.matrix", "Each role may use the classes of tools that are its own, in every channel.", (1, 2)),
    Promise("people.places", "A role is that of the account, else of the group, workspace or channel.", (1, 2)),
    Promise("people.first", "The first person who pairs is the owner, and nobody after them.", (1,)),
    Promise("people.appointed", "Nobody gives more than they have, and the last owner stays.", (0,)),
    Promise("people.later", "A change of a role counts from the next turn on, also for what waits.", (0,)),
    Promise("people.guests", "No plan, template, worker or code leads to a tool above its person's role.", (44,)),
    Promise("people.commands", "Slash words can be kept for a role; who may not say one is told who can help.", (0,)),
    Promise("people.classes", "The operator says what a tool counts as.", (44,)),
    Promise("people.budgets", "A role has budgets of its own, per person.", (34,)),
    Promise("people.approvals", "What needs the yes of a role waits for it, and runs for whoever asked.", (20, 37)),
    Promise("people.two_yeses", "Two yeses are those of two people, wherever they say them, over restarts.", (20, 37)),
    Promise("people.presses", "Another one's button does nothing, says so, and the attempt is on record.", (1, 2)),
    Promise("people.joined", "Joined accounts are one person, of their own will, until one leaves.", (14,)),
    Promise("people.joined_roles", "Joining accounts raises nobody.", (0,)),
    Promise("people.isolated", "Nothing of one person is read by another, or from another conversation.", (14,)),
    Promise("people.command", "The operator gives roles and takes them back.", (0,)),
    # Reminders, and the channels as tools
    Promise(
        "reminders.plain_words", "A reminder can be asked for in plain words, English or German, without a model.", (0,)
    ),
    Promise(
        "reminders.clock", "Times are read by each person's own clock, also where clocks are set forward or back.", (0,)
    ),
    Promise("reminders.again", "What comes again comes each time, until it is cancelled.", (0,)),
    Promise("reminders.asks", "A time that cannot be read is asked for.", (0,)),
    Promise("reminders.later", "A request for later is carried out then, with the yeses that it needs.", (0,)),
    Promise("reminders.once", "What is due comes once, whatever is killed meanwhile.", (0,)),
    Promise("reminders.missed", "What was missed comes once and says so, or not at all, by setting.", (0,)),
    Promise("reminders.private", "Reminders of one person are nobody else's.", (0,)),
    Promise(
        "sending.allowed", "Tools send only to places that the operator has named, or to the conversation itself.", (0,)
    ),
    Promise("sending.asks", "Nothing is sent anywhere else before the person has said yes.", (0,)),
    Promise("sending.once", "A message or a file is sent once.", (0,)),
    Promise("sending.files", "Only files that people have sent or tools have made are sent.", (0,)),
    # The review queue
    Promise("review.told", "Whom nobody can serve is told the truth at once, and once.", (33,)),
    Promise("review.nothing_lost", "What every tier failed to serve is kept, and answered after a retry.", (33,)),
    Promise("review.worked_on", "A reviewer claims, retries, edits, answers or closes, from the chat.", (33,)),
    Promise("review.reviewers_only", "Nobody but a reviewer sees the queue, and in private alone.", (33,)),
    Promise("review.poison", "What processes died over is a case, answered once over restarts.", (33,)),
    Promise("review.unanswered", "A question that nobody answers is a case until somebody does.", (33,)),
    Promise("review.command", "The operator works on the queue from the command line.", (33,)),
    # Workers by their record
    Promise("workers.roster", "Workers have kinds of work, instructions, models and tools of their own.", (26,)),
    Promise(
        "workers.by_record", "Who did well gets the work, over restarts and most where they just did.", (27, 28, 38)
    ),
    Promise(
        "workers.another_tries", "What a worker fails at goes to another, three at most, under the same keys.", (30,)
    ),
    Promise("workers.offline", "A pool that cannot be reached is said to be offline, and nothing is tried.", (26, 30)),
    Promise(
        "routing.score", "Work goes by context, success, specialisation and load; rates count from 10 runs.", (27, 28)
    ),
    Promise("routing.newcomers", "Where nothing is known each has a turn, and no newcomer starves.", (28,)),
    Promise("routing.beats_round_robin", "In simulated pools it beats round robin in success and in time.", (28,)),
    Promise("routing.reasons", "Each choice is stored with all candidates, and its reason explains it.", (29,)),
    # Audit, and what is kept
    Promise("audit.stays", "What is in the audit stays as it is, and a change behind our back shows.", (29, 45)),
    Promise("audit.retention", "Old rows of the audit go by retention alone, which is a row itself.", (29,)),
    Promise("audit.forgets", "The audit forgets who somebody was without being changed.", (29,)),
    Promise("audit.decisions", "Every decision is in the audit with its turn, its outcome and its tools.", (20, 29)),
    Promise("audit.approvals", "Every yes and no is in the audit with a digest of what it was about.", (29,)),
    Promise("audit.command", "The operator reads the audit and verifies it.", (29, 45)),
    Promise("insights.counted", "What was out of scope is counted, and only the operator sees it.", (21,)),
    Promise("insights.groups", "Requests in vain are grouped by what they are about, without a model.", (21,)),
    Promise("insights.no_names", "Of a request in vain is kept what was wanted, not who wanted it.", (21,)),
    Promise("insights.template", "A template serves requests in vain in one step.", (21, 22)),
    Promise("insights.tool", "A tool for requests in vain is begun in one step.", (21, 56)),
    Promise("forget.rules", "Every table has a rule on what becomes of it when somebody is forgotten.", (0,)),
    Promise("forget.everything", "A forgotten person is in no byte of the database, and in no file.", (0,)),
    Promise("forget.asks", "Nobody is forgotten before they have said yes.", (0,)),
    Promise("forget.waits", "Forgetting waits for what is under way, also over a death.", (0,)),
    Promise("forget.command", "The operator forgets a person, and gets a receipt.", (0,)),
    Promise("retention.turns", "Turns go when their time is over; what waits stays.", (0,)),
    Promise("retention.rest", "Files, the audit and requests in vain go when their time is over.", (0,)),
    Promise("export.shape", "An export has the documented shape, and no secrets.", (0,)),
    Promise("export.audited", "An export is in the audit.", (0,)),
    Promise("export.mine", "People get what is theirs as a file, in private alone.", (0,)),
    Promise("privacy.page", "The page on privacy names every term.", (49,)),
    # Telemetry
    Promise(
        "telemetry.trace",
        "A turn's trace shows every call of a model and a tool, with the ids of the dossier and the log.",
        (39, 45),
    ),
    Promise("telemetry.log", "Every line that is written in a turn has its trace, step, worker and try.", (39,)),
    Promise("telemetry.joined", "MCP servers are told of the trace that a call is a part of.", (39,)),
    Promise("telemetry.off", "Nothing leaves the machine unless the operator names where to.", (0,)),
    Promise("telemetry.contents", "Traces say what was said only where that is wanted, and never a secret.", (0,)),
    Promise("telemetry.never_in_the_way", "Telemetry that fails costs nobody their answer.", (0,)),
    Promise("telemetry.metrics", "A scrape is valid, and counts what happened without naming anybody.", (46,)),
    Promise("telemetry.dashboard", "The dashboard asks for metrics that there are.", (46, 49)),
    # The web page
    Promise("store.conversations", "A channel can show back the conversations of a person, and of nobody else.", (0,)),
    Promise("store.search", "Words are found in what was said, in both databases, and no search breaks.", (0,)),
    Promise("web.answer", "A message on the page is shown with the plan as a picture, and its answer.", (0,)),
    Promise("web.picture", "In a plan's picture no two steps overlap, and each stands behind what it waits for.", (0,)),
    Promise("web.live", "The plan is shown while it runs, the answer while it grows, also to who comes later.", (0,)),
    Promise("web.question", "A question is answered by a button, and what is over can be pressed no more.", (4,)),
    Promise("web.approval", "What is risky waits for a yes on the page.", (0,)),
    Promise("web.form", "Several things are asked for in one form.", (4,)),
    Promise("web.stop", "The stop button ends what runs.", (0,)),
    Promise("web.files", "Files go both ways, up to a limit, and nobody else can fetch them.", (0,)),
    Promise("web.restart", "A conversation goes on after a restart, and nothing is shown twice.", (0,)),
    Promise("web.once", "A message that is sent again counts once.", (0,)),
    Promise("web.apart", "Two people on one server see nothing of each other.", (0,)),
    Promise(
        "web.list", "Conversations are listed with titles and with those that wait, and read piece by piece.", (0,)
    ),
    Promise("web.search", "What was said is found, and leads to its place.", (0,)),
    Promise("web.feedback", "An answer can be rated.", (0,)),
    Promise("web.language", "The page speaks the language of its person.", (0,)),
    Promise("web.without_script", "Without its script the page can still be read and written in.", (0,)),
    Promise("web.host", "The page answers only to its own names.", (0,)),
    Promise(
        "web.origin", "Nothing that another site makes a browser send is taken, and nothing of ours is embedded.", (0,)
    ),
    Promise("web.headers", "Everything goes out under a strict content security policy.", (0,)),
    Promise("web.escaped", "What people, models and tools say is never markup or a script on the page.", (0,)),
    Promise("web.token", "With a token, nothing is seen before signing in, and a sign-in cannot be made up.", (0,)),
    Promise("web.proxy", "A proxy's word on who is there counts from its own address alone.", (0,)),
    Promise("web.listens", "The page does not listen for others without a token or a proxy, and says the fix.", (0,)),
    Promise("web.paths", "No path leads out of the page.", (0,)),
    Promise("web.shapes", "Odd forms and texts are refused or repaired, and nothing of them breaks the page.", (0,)),
    Promise("web.slow", "Who sends too slowly or does not read is sent away, and holds nobody up.", (0,)),
    Promise("web.serve", "`errand serve` and a chat in the terminal have the page, say where, and end with it.", (0,)),
    Promise("web.doctor", "`errand doctor` says where the page can be, and who may come in.", (0,)),
    Promise("web.browser", "A real Chromium plays plans, questions, approvals, stop, files and search.", (0,)),
    Promise("web.phone", "On a phone nothing is cut off.", (0,)),
    Promise("web.keyboard", "Everything can be done with the keyboard alone.", (0,)),
    Promise("web.accessible", "People who hear the page or see little find everything, in light and dark.", (0,)),
    # The HTTP API
    Promise(
        "api.answer", "A message over HTTP is taken, and its turn has the answer; a program may wait for it.", (15,)
    ),
    Promise("api.live", "A conversation streams its plans and drafts as they change.", (15,)),
    Promise("api.question", "A question is answered by a choice, or by filling in its fields.", (4, 15)),
    Promise("api.approval", "What is risky waits for a yes over HTTP, also over a restart.", (15,)),
    Promise("api.stop", "What runs can be stopped over HTTP.", (15,)),
    Promise("api.files", "Files go both ways over HTTP.", (15,)),
    Promise("api.resume", "A stream goes on behind the last part that was seen, also after a restart.", (15,)),
    Promise("api.once", "The same event counts once over HTTP, and tells its turn again.", (15,)),
    Promise("api.pages", "Long conversations are read piece by piece over HTTP.", (15,)),
    Promise("api.ready", "Health and readiness are told without a token, and without a secret.", (0,)),
    Promise("api.tokens", "Nobody gets in without a token, and a lost one can be taken away.", (15,)),
    Promise("api.apart", "What is another person's is not there, by any route.", (15,)),
    Promise("api.roles", "A program may do and see what the role of its person may, also where it only reads.", (15,)),
    Promise("api.described", "Every route is described as it is: a fuzzer finds no fault and no difference.", (15,)),
    Promise("api.shapes", "What is too large, too slow or of another shape is refused with the fix.", (15,)),
    Promise("api.browser", "No other site can make a browser use the API.", (0,)),
    # Webhooks on the page's server
    Promise(
        "hooks.telegram", "Telegram's webhook may be on the server of the page, which stays closed to it.", (1, 15)
    ),
    Promise("hooks.slack", "Slack's requests may come to the server of the page.", (2, 15)),
    Promise("hooks.settings", "A webhook on a page that is not there is refused with the fix.", (0,)),
    # The console of the page
    Promise(
        "console.dossier",
        "A dossier shows the plan as a graph, when what happened, and each step's evidence.",
        (29, 45),
    ),
    Promise("console.past", "Admins find the conversations and turns of everybody, page by page.", (0,)),
    Promise("console.workers", "Workers are shown with their successes and durations as pictures.", (26, 27, 38)),
    Promise("console.budgets", "Budgets and what was spent on each day are pictures.", (34,)),
    Promise("console.insights", "What people ask for in vain is shown with how often.", (21,)),
    Promise(
        "console.review", "An admin retries, edits, answers, claims or closes a case, and is told what it did.", (33,)
    ),
    Promise(
        "console.servers", "A changed tool runs once an admin has seen what is new and has let in just that.", (44,)
    ),
    Promise("console.audited", "Whatever an admin does on the console is in the audit.", (0,)),
    Promise("console.settings", "Settings can be read, with what they are and which are set.", (49,)),
    Promise("console.secrets", "No page of the console shows a secret.", (0,)),
    Promise("console.log", "The newest lines of the log are shown as they come, with a way to their turn.", (39,)),
    Promise("console.roles", "Each page and action of the console is for those alone whose role has the right.", (0,)),
    Promise("console.metrics", "Who may open the console finds /metrics beside it, and nobody else does.", (0,)),
    Promise("console.escaped", "Nothing that the console shows is ever markup or a script.", (0,)),
    Promise("console.browser", "In a real Chromium the console is read and used, with pictures that fit.", (0,)),
    Promise("console.phone", "On a phone nothing of the console is cut off.", (0,)),
    Promise("console.accessible", "People who hear the console or see little find everything.", (0,)),
    # Shipping
    Promise("ship.image", "The image is made from locks with hashes, and holds no secret and no root.", (6,)),
    Promise(
        "ship.image_runs",
        "The Dockerfile's steps make what answers a message without root, on a root that is read-only.",
        (6,),
    ),
    Promise("ship.health", "`errand health` tells by its exit whether what these settings serve is well.", (6,)),
    Promise("ship.secrets", "Secrets can lie in a folder, a file each, as containers and clusters bring them.", (6,)),
    Promise(
        "ship.deploy", "The examples for compose, Kubernetes and systemd are valid, and grant no needless right.", (6,)
    ),
    Promise("ship.wheel", "The wheel runs outside of the checkout with all that it needs, and holds no test.", (6,)),
    Promise("ship.sdist", "The source package makes the same wheel.", (6,)),
    # Languages
    Promise("words.complete", "Every text of the system is there in every language, with the same values.", (0,)),
    # Documentation
    Promise("docs.settings", "Every setting is documented with its default and what it is.", (49,)),
    Promise("docs.plans", "The plans of the documentation run.", (49, 60)),
    Promise("docs.examples", "The examples run.", (49,)),
    Promise("docs.models", "The documentation lists every provider as the code knows it.", (7, 61, 62)),
    Promise("docs.people", "The policy file of the documentation is the example, and is read.", (49,)),
    Promise("docs.api", "The commands of the page on the HTTP API work, and it names every operation.", (15, 49)),
    Promise("docs.telegram", "The page of the local Telegram names what it has.", (1, 49)),
    Promise("docs.demo", "The demonstration plays the whole flow, and says that its model is scripted.", (49,)),
    Promise("docs.receipts", "The answers and the chart of the page on receipts are the real ones.", (49, 57)),
    Promise("docs.links", "Links inside the project lead somewhere.", (49,)),
    # A cluster
    Promise("cluster.takeover", "Where a process of a cluster dies, another one goes on with what it did.", (31,)),
    Promise("cluster.rolling", "Processes can be replaced while questions are open and plans run.", (31,)),
    Promise("cluster.order", "In a cluster a session's messages are answered once and in order.", (31,)),
)
