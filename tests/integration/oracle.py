# SPDX-License-Identifier: GPL-2.0-or-later
"""What may become of a guest's memory, by docs/recovery.md, identity.md and disks.md, and nothing else. Pure:
facts in, verdicts out.

An outcome is a word for what has become of a guest:
  restored    it runs on with its newest memory        old     it runs with older memory
  cold        it runs, started from its configuration  left    its domain is as it was
  down        it does not run                          resumed its domain runs, which did not
  saved       its memory is in an image, no domain     off     it has shut down in good order
  gone        its domain is gone, and so is its memory half    it is left half built
  twice       two domains are there that were one or none before
"""

import dataclasses

# Of the images' names: what may be restored, and what never is.
LIVE, ASIDE, PART = "live", "aside", "part"

# The end of the boot's name where xl has created the guest (stage.py).
BY_XL = "-by-xl"


@dataclasses.dataclass(frozen=True)
class Image:
    """A file in SAVE."""
    file: str
    inode: int
    memory: tuple | None    # boot and life, where it can be read
    kind: str = LIVE
    restoring: bool = False
    sound: bool = True      # whole, root's, and a file
    link: bool = False      # which can bear no reason
    reason: bool = False    # it says why it was put aside


@dataclasses.dataclass(frozen=True)
class Facts:
    """What was so before the command, known to who set it up."""
    goal: str
    asked: bool = True          # the command is about this guest
    domain: str = "none"
    memory: tuple | None = None  # boot and life, of the domain
    disk: int = 0               # the life that wrote the disk last
    disk_seen: bool = True      # the daemon can look at it
    images: tuple = ()
    word: str = "none"          # the last of what a ledger has seen: none, life, saved, xl
    seen: bool = False          # a daemon has seen its last life since the ledger was lost
    found: bool = False         # a daemon began with it suspended, and others saving it
    unseen: bool = False        # others ran it or saved it since, while no daemon looked
    ledger: str = "whole"
    saved_since: bool = False   # by a daemon, since the ledger was lost
    folder: str = "same"
    config: str = "there"
    has_uuid: bool = True       # the configuration
    killed: bool = False
    doubled: bool = False       # another guest that runs, or ran, has its UUID
    cloned: str = ""            # it does not run, and a domain of its UUID and another name runs, or ran
    before: "Facts | None" = None   # of a guest that others have changed while the command worked


def _newest(facts):
    """The images of the memory that the disk fits."""
    return [i for i in facts.images if i.kind == LIVE and i.memory and i.memory[1] == facts.disk]


def _live(facts):
    return [i for i in facts.images if i.kind == LIVE]


def may(facts):
    """The outcomes that are allowed, each with the rule that says so."""
    return _may(facts) if not facts.before else _may_between(facts.before, facts)


def _may_between(before, after):
    """What is right by what was so, or by what is so now: a command looks once, or twice."""
    allowed = _may(after) | _may(before)
    if after.goal == "start" and before.domain != "none":
        # It went. Either that is seen, or not.
        # The ledger knows that life, if the daemon has seen it.
        seen = dataclasses.replace(after, domain="none", ledger="whole")
        return allowed | _may(dataclasses.replace(after, domain="none")) | _may(seen) | {
            "down": "it ran when it was looked at", "gone": "it ended", "off": "it ended"}
    if after.goal == "start":
        return allowed | {"down": "what could not be done is said"}
    if after.domain == "running":
        return allowed | {"left": "it came up when the stop had looked for the last time"}
    return allowed


def _may(facts):
    if not facts.asked:
        outcomes = ["down"] if facts.domain == "none" else ["left"]
        if facts.domain == "suspended, saver":
            outcomes.append("saved")
        return dict.fromkeys(outcomes, "the command is about others")
    if facts.domain == "none":
        allowed = _start(facts) if facts.goal == "start" else {"down": "it does not run"}
    else:
        allowed = (_start_of_domain if facts.goal == "start" else _stop)(facts)
    if facts.killed and facts.goal == "start" and facts.domain == "none":
        allowed.setdefault("down", "what could not be done is said")
    if facts.killed and "saved" in allowed:
        allowed.setdefault("off", "a save that failed is followed by a shutdown")
    return allowed


# Start of a guest that does not run.

def _start(facts):
    if facts.cloned == "runs":
        return {"down": "a domain of its UUID and another name may be it: held, both named"}
    if facts.cloned == "ran":
        return _start_after_a_clone(dataclasses.replace(facts, cloned=""))
    allowed = _start_by_identity(facts)
    if facts.doubled:
        allowed = {"down": "two images of one UUID, of which either may be the newest: held",
                   "restored": "only one of the two was saved"}
        if facts.ledger != "whole" and not facts.disk_seen:
            allowed["old"] = "an older one, of its own UUID: unknown, disks prove nothing against it"
        return allowed
    if allowed is None:
        certain, doubtful = _start_by_ledger(facts), _start_in_doubt(facts)
        allowed = {"whole": certain, "torn": certain | doubtful, "damaged": certain | doubtful}.get(
            facts.ledger, doubtful)
        if any(i.link for i in _live(facts)):
            allowed["down"] = "a link is followed, or refused in words"
        allowed = _by_configuration(facts, allowed)
    return allowed


def _start_after_a_clone(facts):
    rule = {"down": "a domain of its UUID and another name has run since it was saved: held, both named"}
    if facts.ledger == "whole" and facts.word == "saved" and _newest(facts):
        return rule
    return _start(dataclasses.replace(facts, doubled=False)) | rule


def _was_saved(facts):
    return bool(_newest(facts)) or any(not i.sound for i in _live(facts)) or \
        facts.word == "saved" and facts.folder != "same" and facts.ledger == "whole"


def _start_by_identity(facts):
    """None where nothing conflicts."""
    if facts.config == "duplicate":
        rule = {"down": "two configurations of one UUID or name: held, both named, both down"}
        alone = _start(dataclasses.replace(facts, config="there"))
        known = facts.ledger in ("whole", "torn", "damaged") or facts.saved_since
        if "restored" not in alone or not _newest(facts) or not known:
            return rule
        # The image that is known to be the newest is its guest's, whatever the files say.
        certain = {k: v for k, v in alone.items() if k != "cold"}
        return certain if facts.ledger == "whole" else certain | rule
    if facts.config not in ("uuid added", "uuid changed", "renamed"):
        return None
    rule = "a saved guest whose configuration got another UUID or name: held, both down"
    if facts.config == "renamed" and not facts.has_uuid and facts.ledger != "whole":
        # Only the ledger can tell that it is the same file.
        return {"cold": "another name, and no UUID: another guest", "down": rule}
    if _was_saved(facts):
        return {"down": rule} | _cold_beside_the_past(facts)
    allowed = {"cold": "created: there is no image that would conflict"}
    if facts.folder == "another" and facts.seen and not facts.has_uuid:
        allowed["down"] = "a domain of its name and another UUID has run since: held"
    return allowed | {"down": rule} if _live(facts) or facts.word in ("saved", "xl") or \
        facts.folder == "absent" else allowed


def _cold_beside_the_past(facts):
    """What is damaged may be known to be of an earlier life all the same."""
    known = not facts.unseen and not _newest(facts) and \
        facts.word == "life" and all(i.memory for i in _live(facts))
    return {"cold": "used up or outlived: put aside, created from its configuration"} if known else {}


def _by_configuration(facts, allowed):
    """What is started without its memory needs a configuration."""
    if facts.config in ("missing", "broken") and "cold" in allowed:
        allowed = {k: v for k, v in allowed.items() if k != "cold"}
        allowed["down"] = "without a configuration: failed, with the reason"
    return allowed


def _start_without_image(facts):
    if facts.folder == "same":
        return {"cold": "none; no save, used up, outlived, or the image was removed: created"}
    if facts.word == "saved":
        return {"down": "none; saved to I and the directory is another, or is not there: held"}
    allowed = {"cold": "none; ledger knows no save: created"}
    # Nothing is said of a folder that cannot be read, nor of xl's images there.
    if facts.folder == "absent" or facts.word == "xl" or facts.unseen:
        allowed["down"] = "unknown is never taken for empty"
    if facts.word == "life" and facts.ledger in ("torn", "damaged"):
        allowed["down"] = "the record of its life is lost, and that of its save is not: held"
    return allowed


def _start_by_problem(facts):
    """Where an image cannot be judged at all; None where each can."""
    live = _live(facts)
    if any(not i.sound for i in live):
        return {"down": "damaged, truncated, wrong owner, dangling link: held, never created beside"}
    if len(_newest(facts)) > 1:
        # The stage makes a second one by copying the first.
        return {"restored": "two files with the same image: restored from one, the copy put aside",
                "down": "or held, both named"}
    return None


def _start_by_ledger(facts):
    """A whole ledger."""
    newest, live = _newest(facts), _live(facts)
    if not live:
        return _start_without_image(facts)
    problem = _start_by_problem(facts)
    if any(not i.sound for i in live) and not facts.unseen and \
            all(i.memory and i.memory[1] != facts.disk for i in live if not i.sound):
        # Two rules meet, for what is damaged, and known to be used up for all that.
        problem = problem | _start_by_ledger(dataclasses.replace(
            facts, images=tuple(dataclasses.replace(i, sound=True) for i in facts.images)))
    if problem:
        return problem
    if newest:
        allowed = {"restored": "newest, checks pass: restored"}
        if facts.found:
            allowed["down"] = "from before it was found suspended, it may be a checkpoint: suspect"
        if facts.unseen:
            allowed["down"] = "the ledger knows a life that never ended and began before I: held"
        return allowed
    if facts.unseen and facts.disk_seen:
        return {"down": "newest, a disk provably changed: held"}
    if facts.unseen and facts.word == "saved":
        return {"down": "held", "old": "newest, disks not visible: restored"}
    allowed = {"cold": "used up or outlived: put aside, created from its configuration"}
    if facts.unseen:
        allowed["down"] = "the ledger knows a life that never ended and began before I: held"
    return allowed


def _start_in_doubt(facts):
    """No ledger that could tell."""
    newest, live = _newest(facts), _live(facts)
    if not live:
        return {"cold": "none; ledger knows no save: created"} | (
            {"down": "unknown is never taken for empty"} if facts.folder == "absent" else {})
    problem = _start_by_problem(facts)
    if problem:
        return problem | ({"cold": "outlived: it was seen to run since records were lost"}
                          if facts.seen and not newest else {})
    if any(i.restoring for i in live):
        allowed = {"down": "unknown, name .restoring: held"}
        if facts.seen and not newest:
            allowed["cold"] = "outlived: it was seen to run since records were lost"
        if len(live) > 1 and newest:
            allowed["restored"] = "the other's disks have changed"
        return allowed
    if newest:
        allowed = {"restored": "unknown, disks prove nothing against it: restored as today"}
        if len(live) > 1 or facts.unseen:
            allowed["down"] = "two images that may both be the newest: held"
        if not facts.disk_seen and (facts.word == "xl" or facts.unseen):
            return {"down": "an image of xl's, records are lost, and its disks cannot be seen: held"} | (
                allowed if facts.ledger == "torn" or facts.seen else {})
        if facts.word == "xl" and facts.ledger in ("torn", "damaged"):
            allowed["down"] = "the ledger knows a life that never ended and began before I: held"
        return allowed
    allowed = {"down": "unknown, a disk changed: held"}
    if facts.seen:
        allowed["cold"] = "outlived: it was seen to run since records were lost"
    if not facts.disk_seen:
        allowed["old"] = "unknown, disks prove nothing against it: restored as today"
    return allowed


# Start of a guest that has a domain.

def _start_of_domain(facts):
    if facts.domain == "running":
        return {"left": "it runs"}
    allowed = {"left": "a leftover is no success of a start"}
    if facts.domain.startswith("suspended"):
        allowed["resumed"] = "suspended and its saver is gone: resumed"
    if facts.domain == "suspended, saver":
        allowed |= {"saved": "others save it", "down": "others have saved it",
                    "restored": "others have saved it, and it is restored from that"}
        if facts.folder == "absent":
            allowed["cold"] = "others have saved it elsewhere: none, created"
    return allowed


# Stop.

def _stop(facts):
    if facts.domain in ("dying", "kept"):
        return {"left": "it has ended", "gone": "it has ended"}
    if facts.domain == "built":
        return {"left": "it has never run: said", "saved": "saved", "gone": "it holds no memory",
                "off": "it holds no memory"}
    allowed = {"saved": "every running guest is saved"}
    if facts.folder == "absent":
        allowed |= {"off": "a save that failed is followed by a shutdown", "left": "and said"}
    if _is_of_no_configuration(facts):
        allowed["off"] = "another guest's newest image has its name: not saved over that"
    if facts.domain != "running":
        allowed["left"] = "or the stop fails with the reason"
    if facts.domain == "suspended, saver":
        allowed["off"] = "others have saved it"
    return allowed


def _is_of_no_configuration(facts):
    """It is of xl create, under a UUID of its own, and no configuration says that its name is the guest."""
    return not facts.has_uuid and facts.config != "there" and facts.memory[0].endswith(BY_XL) and \
        any(i.memory and not i.memory[0].endswith(BY_XL) for i in _live(facts))


def is_as_wanted(facts, outcome):
    """Whether an exit status of 0 may be said of this guest."""
    if not facts.asked:
        return True
    if facts.before:
        return is_as_wanted(facts.before, outcome) or _is_as_wanted(facts, outcome) or \
            _came_or_went(facts, outcome)
    return _is_as_wanted(facts, outcome)


def _came_or_went(facts, outcome):
    if facts.goal == "stop":
        return facts.domain == "running" and outcome == "left"
    return facts.before.domain == "running" and outcome in ("down", "gone", "off")


def _is_as_wanted(facts, outcome):
    if facts.goal == "stop":
        return outcome in ("saved", "off", "down", "gone") or facts.domain in ("kept", "dying")
    if outcome == "down" and _is_note(facts):
        return True
    if outcome == "left":
        return facts.domain == "running" or facts.config == "missing"
    if outcome == "down":
        return facts.config == "missing" and not _live(facts) and not _was_saved(facts)
    return outcome in ("restored", "cold", "resumed")


def _is_note(facts):
    """Links without a target, of a guest that nothing else tells of."""
    return facts.config == "missing" and facts.ledger != "whole" and bool(facts.images) and \
        all(i.link and not i.memory for i in facts.images)


# What holds whatever was done.

@dataclasses.dataclass(frozen=True)
class Life:
    """A time in which a guest ran: from the memory of which life, over a disk of which life."""
    number: int
    boot: str
    from_: int
    over: int


@dataclasses.dataclass(frozen=True)
class Seen:
    """What is so behind the command."""
    outcome: str
    lives: tuple = ()           # begun meanwhile
    images: tuple = ()
    memory: tuple | None = None  # of its domain
    reason: str | None = None   # what status says; None: it was not asked
    exit: int | None = None


def breaches(facts, seen):
    """Every rule that does not hold, in words."""
    return [*_outcome_breach(facts, seen), *_life_breaches(facts, seen),
            *_image_breaches(facts, seen), *_memory_breach(facts, seen),
            *_word_breaches(facts, seen)]


def _outcome_breach(facts, seen):
    allowed = may(facts)
    if seen.outcome not in allowed:
        rules = "; ".join(f"{outcome} ({rule})" for outcome, rule in allowed.items())
        yield f"outcome '{seen.outcome}' where it may be: {rules}"


def _life_breaches(facts, seen):
    if "old" in may(facts):
        return
    for life in seen.lives:
        if life.from_ and life.from_ != life.over:
            yield (f"old memory over a newer disk: life {life.number} came from life {life.from_}, "
                   f"the disk was of life {life.over}")


def _is_replaced(facts, image, seen):
    """By a newer image of this very guest and boot, under its name."""
    return facts.goal == "stop" and image.memory and any(
        i.file == image.file and i.memory and i.memory[0] == image.memory[0] and
        i.memory[1] > image.memory[1] for i in seen.images)


def _is_another_guests(facts, image, seen):
    """xl draws a UUID whenever it creates; without a configuration nothing says that it is one guest."""
    if facts.config == "renamed" and not facts.has_uuid and facts.ledger != "whole":
        return True
    return not facts.has_uuid and facts.config in ("missing", "broken") and image.memory and seen.memory \
        and image.memory[0].endswith(BY_XL) != seen.memory[0].endswith(BY_XL)


def _image_breaches(facts, seen):
    left = {i.inode for i in seen.images}
    used = [life.from_ for life in seen.lives if life.from_]
    for image in facts.images:
        if image.inode in left or image.kind == PART:
            continue
        if image.memory and image.memory[1] in used:
            used.remove(image.memory[1])
        elif not _is_replaced(facts, image, seen):
            yield f"the image {image.file} was deleted"
    before = {i.inode for i in facts.images}
    for image in seen.images:
        if image.kind == ASIDE and image.inode in before and not image.reason and not image.link:
            yield f"{image.file} was put aside without a reason"
    runs = seen.outcome in ("cold", "restored")
    for image in seen.images:
        if runs and image.kind == LIVE and image.inode in before and image.sound and not facts.killed and \
                not _is_another_guests(facts, image, seen):
            yield f"{image.file} lies there as if it could be restored, and the guest runs"


def _memory_breach(facts, seen):
    """The newest memory is somewhere, or has shut down."""
    memory = facts.memory
    if not memory and _newest(facts):
        memory = _newest(facts)[0].memory
    if not memory or seen.outcome == "off" or facts.domain in ("dying", "kept", "built"):
        return
    now = memory[1]
    for life in seen.lives:
        if life.from_ == now and life.boot == memory[0]:
            now = life.number
    places = [seen.memory, *(i.memory for i in seen.images if i.kind != PART)]
    if (memory[0], now) not in places and (memory[0], memory[1]) not in places:
        yield f"the memory of {memory} is lost"


def _word_breaches(facts, seen):
    wanted = is_as_wanted(facts, seen.outcome)
    if seen.exit == 0 and not wanted:
        yield f"exit 0, and the guest is '{seen.outcome}'"
    # Without a ledger it was the image that told which guest has failed, and it is gone.
    lost = facts.before and facts.ledger != "whole" and facts.before.images != facts.images
    if seen.reason == "" and not wanted and not lost and seen.outcome in ("down", "left", "half"):
        yield f"no reason is told why the guest is '{seen.outcome}'"
