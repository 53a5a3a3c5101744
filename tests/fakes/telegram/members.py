"""Who belongs to a chat, and how the bot is told that it does not any more."""

from tests.fakes.telegram.state import BOT_ID, Room, State, User, Wire

RIGHTS = (
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members can_promote_members "
    "can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories can_send_welcome_messages "
    "can_pin_messages can_manage_topics"
).split()


def member(user: User, status: str) -> Wire:
    """A ChatMember."""
    wire: Wire = {"status": status, "user": user.wire}
    if status == "creator":
        return wire | {"is_anonymous": False}
    if status == "kicked":
        return wire | {"until_date": 0}
    if status == "administrator":
        return wire | {"can_be_edited": False, "is_anonymous": False} | dict.fromkeys(RIGHTS, True)
    return wire


def bot_becomes(state: State, room: Room, status: str, *, by: User) -> None:
    """The bot is told what it is in a chat from now on."""
    before = room.members.get(BOT_ID, "left")
    room.members[BOT_ID] = status
    tell(state, room, before, status, by=by)


def tell(state: State, room: Room, before: str, after: str, *, by: User) -> None:
    """A my_chat_member update."""
    state.announce(
        "my_chat_member",
        {
            "chat": room.wire,
            "from": by.wire,
            "date": int(state.clock()),
            "old_chat_member": member(state.bot, before),
            "new_chat_member": member(state.bot, after),
        },
    )
