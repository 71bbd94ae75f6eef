"""The comments on the demo articles."""

from __future__ import annotations

from blogapp.values import frozen


@frozen
class DemoComment:
    """A comment, posted `hours` after the article. `reply_to` is the position (from 1) of its parent in the list; 0 for
    none."""

    name: str
    hours: float
    text: str
    reply_to: int = 0
    link: str = ""


COMMENTS: dict[str, tuple[DemoComment, ...]] = {
    "le-marche-du-jeudi": (
        DemoComment(
            "Mireille Aubert",
            3.2,
            "Chez nous c’est le samedi, et je vous confirme pour décembre : on achète du miel "
            "*pour avoir une raison d’être là*. Je n’avais jamais trouvé les mots.",
        ),
        DemoComment(
            "Tomas",
            5,
            "Question pratique : la courge entière au four, à quelle température ? La mienne a explosé. 🎃",
        ),
        DemoComment(
            "Josiane L.",
            7.5,
            "**160 degrés, pas plus**, et on pique la peau deux fois avec un couteau. "
            "Sinon, oui, elle décide un peu vite !",
            reply_to=2,
        ),
        DemoComment("Tomas", 26, "Merci ! Deuxième essai ce soir, avec un tablier.", reply_to=3),
        DemoComment(
            "Youssef Benali",
            30,
            "> Quand il n’y a presque rien, les gens restent plus longtemps.\n\n"
            "C’est vrai aussi des bibliothèques le dimanche de pluie. Peut-être de tout ?",
        ),
        DemoComment("Josiane L.", 49, "Alors ?", reply_to=4),
    ),
    "un-carnet-de-papier": (
        DemoComment(
            "Hélène",
            14,
            "J’ajouterais une quatrième règle : prêter un crayon à qui le demande, jamais le carnet.",
        ),
        DemoComment(
            "Bastien Roux", 40, "La règle du dimanche, je l’adopte. On en reparle dans dix dimanches ?", reply_to=1
        ),
    ),
    "learning-birds-by-ear": (
        DemoComment(
            "Margaret Ellison",
            2,
            "Yellowhammer: *a little bit of bread and no cheese*. My father said it every June, to every yellowhammer.",
        ),
        DemoComment(
            "Dan",
            6,
            "The wood pigeon line has ruined my mornings. Thank you, I suppose.",
        ),
        DemoComment(
            "נועה לוי",
            9,
            "אצלנו הבולבול שר לפני הזריחה, ממש ליד החלון. תודה על הפוסט!",
            reply_to=1,
        ),
        DemoComment(
            "נועה לוי",
            9.3,
            "That came out in Hebrew, sorry! I wrote that here the bulbul sings before sunrise, right outside my "
            "window. And thank you for the post.",
            reply_to=3,
        ),
        DemoComment("Margaret Ellison", 11, "*Bulbul*. How lovely to be woken by a word like that.", reply_to=4),
        DemoComment(
            "R. Okafor",
            33,
            "For anyone starting out, a list of recordings by season helped me a lot: "
            "https://birds.example.org/by-ear. But the phrase book is what stuck.",
            link="https://okafor.example.org",
        ),
    ),
    "the-case-for-mending": (
        DemoComment("Ines", 20, "Reading this in a jumper with one red elbow. It was never meant to match."),
    ),
}
