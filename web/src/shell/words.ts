// The texts of the frame.

import { words } from "../language/language";

export const shellWords = words({
  en: {
    title: "Compute",
    views: "Views",
    compute: "Compute",
    history: "History",
    language: "Language",
    unknown: "There is nothing at this address.",
  },
  fr: {
    title: "Compute",
    views: "Vues",
    compute: "Calculer",
    history: "Historique",
    language: "Langue",
    unknown: "Il n’y a rien à cette adresse.",
  },
});
