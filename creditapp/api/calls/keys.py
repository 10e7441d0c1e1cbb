"""Calls about the keys of programs."""

from creditapp.api import answers, keys
from creditapp.api.call import Call
from creditapp.errors import InvalidInput

CALLS = (
    Call(
        name="keys",
        method="GET",
        path="/keys",
        scope="manage",
        title="Which keys there are",
        does="Those that work first, then the newest. No answer holds a secret that was shown before.",
        query=keys.KeyOwner,
        answer=answers.KeyList,
    ),
    Call(
        name="create_key",
        method="POST",
        path="/keys",
        scope="manage",
        title="Make a key",
        does=(
            "The key is shown in this answer and never again. It can do no more than the key that asks for it, nor for "
            "longer. It takes no Idempotency-Key: where an answer was lost, revoke what it made and make another."
        ),
        body=keys.NewKey,
        answer=answers.MadeKey,
        status=201,
        refuses=(InvalidInput,),
        example={"name": "nightly-import", "scopes": ["read", "consume"]},
    ),
    Call(
        name="rotate_key",
        method="POST",
        path="/keys/{key_id}/rotate",
        scope="manage",
        title="Change a key's secret",
        does="A new key of the same name and scopes; the old one works for another day, so that nothing stops.",
        body=keys.KeyOwner,
        body_required=False,
        answer=answers.MadeKey,
        status=201,
        refuses=(InvalidInput,),
    ),
    Call(
        name="revoke_key",
        method="POST",
        path="/keys/{key_id}/revoke",
        scope="manage",
        title="End a key",
        does="At once, in every process, and for good.",
        body=keys.KeyOwner,
        body_required=False,
        answer=answers.Key,
    ),
)
