"""What holds for the media of every system: codecs, packet time, keys. The systems bring their own spelling."""

from __future__ import annotations

from trunkline.pbx.lint.asterisk_codecs import ALL
from trunkline.pbx.lint.desk import Desk
from trunkline.pbx.lint.finding import Place
from trunkline.pbx.lint.provider import Provider

G711 = {"PCMU", "PCMA"}


def codecs(
    desk: Desk, offered: list[tuple[str, int]], place: Place, trunk: str, corrected: str, provider: Provider
) -> None:
    """COD-01, COD-05 and COD-03 of a list of codecs in SDP's names, each with its packet time."""
    names = {name for name, _ in offered}
    if ALL in names:
        return
    shown = ", ".join(name for name, _ in offered)
    taken = set(provider.codecs)
    if offered and taken and not names & taken:
        what = f"{trunk} offers {shown}; {provider.title} takes {', '.join(provider.codecs)}."
        desk.problem("COD-01", place, what, "No codec in common: calls end with 415 or 488.", corrected, provider)
    elif offered and not names & G711:
        what = f"{trunk} offers {shown}, and neither PCMU nor PCMA (G.711)."
        desk.hint("COD-05", place, what, "G.711 is what every trunk takes.", corrected, provider)
    for name, ptime in offered:
        if provider.ptime and ptime > provider.ptime:
            what = f"{trunk} asks for packets of {ptime} ms with {name}."
            why = f"{provider.title} sends and expects {provider.ptime} ms."
            desk.hint("COD-03", place, what, why, corrected, provider)
