"""What people said below the demo articles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """`hours` after the article; `answers` is the place in the list, from 1, of the comment that is answered."""

    name: str
    hours: float
    text: str
    answers: int = 0
    link: str = ""


CONVERSATIONS: dict[str, tuple[Said, ...]] = {
    "le-marche-du-jeudi": (
        Said(
            "Mireille Aubert",
            3.2,
            "Chez nous c'est le samedi, et je vous confirme pour décembre : on achète du miel "
            "*pour avoir une raison d'être là*. Je n'avais jamais trouvé les mots.",
        ),
        Said(
            "Tomas",
            5,
            "Question pratique : la courge entière au four, à quelle température ? La mienne a explosé. 🎃",
        ),
        Said(
            "Josiane L.",
            7.5,
            "**160 degrés, pas plus**, et on pique la peau deux fois avec un couteau. "
            "Sinon, oui, elle décide un peu vite !",
            answers=2,
        ),
        Said("Tomas", 26, "Merci ! Deuxième essai ce soir, avec un tablier.", answers=3),
        Said(
            "Youssef Benali",
            30,
            "> Quand il n'y a presque rien, les gens restent plus longtemps.\n\n"
            "C'est vrai aussi des bibliothèques le dimanche de pluie. Peut-être de tout ?",
        ),
        Said("Josiane L.", 49, "Alors ?", answers=4),
    ),
    "un-carnet-de-papier": (
        Said(
            "Hélène",
            14,
            "J'ajouterais une quatrième règle : prêter un crayon à qui le demande, jamais le carnet.",
        ),
        Said("Bastien Roux", 40, "La règle du dimanche, je l'adopte. On en reparle dans dix dimanches ?", answers=1),
    ),
    "learning-birds-by-ear": (
        Said(
            "Margaret Ellison",
            2,
            "Yellowhammer: *a little bit of bread and no cheese*. My father said it every June, to every yellowhammer.",
        ),
        Said(
            "Dan",
            6,
            "The wood pigeon line has ruined my mornings. Thank you, I suppose.",
        ),
        Said(
            "נועה לוי",
            9,
            "אצלנו הבולבול שר לפני הזריחה, ממש ליד החלון. תודה על הפוסט!",
            answers=1,
        ),
        Said(
            "נועה לוי",
            9.3,
            "That came out in Hebrew, sorry! I wrote that here the bulbul sings before sunrise, right outside my "
            "window. And thank you for the post.",
            answers=3,
        ),
        Said("Margaret Ellison", 11, "*Bulbul*. How lovely to be woken by a word like that.", answers=4),
        Said(
            "R. Okafor",
            33,
            "For anyone starting out, a list of recordings by season helped me a lot: "
            "https://birds.example.org/by-ear. But the phrase book is what stuck.",
            link="https://okafor.example.org",
        ),
    ),
    "the-case-for-mending": (
        Said("Ines", 20, "Reading this in a jumper with one red elbow. It was never meant to match."),
    ),
}
