// What each error means to a person, in French.

import { Code } from "@connectrpc/connect";
import type { ErrorTexts } from "./error-words";

export const FR: ErrorTexts = {
  reasons: {
    INVALID_REQUEST: [
      "La demande n’a pas été acceptée",
      "Quelque chose y dépasse les limites. Corrigez-le, puis relancez le calcul.",
    ],
    MALFORMED_MESSAGE: [
      "La passerelle ne comprend pas la demande",
      "Cette page est sans doute plus ancienne ou plus récente que la passerelle. Rechargez-la, puis réessayez.",
    ],
    MESSAGE_TOO_LARGE: [
      "La liste est trop grosse",
      "Elle dépasse ce que la passerelle accepte en un seul appel. Calculez-la en plusieurs fois, ou envoyez-la depuis un programme avec ComputeStream.",
    ],
    TOO_MANY_VALUES: [
      "La liste est trop longue",
      "Elle compte plus d’entiers que les workers n’en acceptent. Calculez-la en plusieurs fois, ou demandez à l’exploitant de relever la limite.",
    ],
    MEMORY_EXHAUSTED: [
      "Pas de place pour le moment",
      "D’autres listes occupent la mémoire de la passerelle. Il y aura de la place pour la vôtre dès qu’elles seront terminées.",
    ],
    TOO_MANY_IN_FLIGHT: [
      "Trop d’appels à la fois",
      "La passerelle traite déjà autant d’appels qu’elle en accepte. Le vôtre n’a pas été transmis ; une place se libère dès que l’un d’eux se termine.",
    ],
    TOO_MANY_OF_TENANT: [
      "Trop d’appels de votre part à la fois",
      "Autant de vos appels sont en cours que la passerelle en accepte d’un même appelant. Celui-ci n’a pas été transmis.",
    ],
    OVERLOADED: [
      "La file d’attente est longue",
      "Tous les workers sont occupés, et l’appel aurait attendu plus longtemps qu’il ne le peut. Il n’a pas été mis en file.",
    ],
    WORKER_EXHAUSTED: [
      "Le worker manque de place",
      "Le worker qui a pris la liste n’a pas de place pour elle en ce moment.",
    ],
    OPERATION_ID_TAKEN: [
      "L’opération appartient à une autre liste",
      "La passerelle connaît déjà cette opération, avec une autre demande.",
    ],
    OPERATION_ID_BUSY: [
      "L’opération ne peut pas commencer",
      "Son identifiant est en cours d’utilisation. Un nouvel essai en prendra un autre.",
    ],
    NOT_RECORDED_YET: [
      "On n’en sait encore rien",
      "L’opération est assez récente pour être encore en route. Revenez dans un instant.",
    ],
    OPERATION_NOT_FOUND: [
      "Cette opération n’existe pas",
      "Le journal n’a pas d’opération avec cet identifiant, ou elle en a été retirée depuis longtemps.",
    ],
    STREAM_STALLED: [
      "La connexion s’est figée",
      "La passerelle attendait la liste, et rien n’est arrivé pendant trop longtemps.",
    ],
    PAYLOAD_UNAVAILABLE: [
      "La liste ne peut pas être remise",
      "Les grandes listes passent par Amazon S3, que la passerelle n’atteint pas en ce moment. C’est en général passager.",
    ],
    QUEUE_UNAVAILABLE: [
      "La file d’attente est injoignable",
      "La passerelle n’a pas pu mettre la liste dans sa file Amazon SQS. C’est en général passager.",
    ],
    LOG_UNAVAILABLE: [
      "Le journal ne peut pas être lu",
      "Les opérations sont gardées dans Amazon S3, que la passerelle n’atteint pas en ce moment. C’est en général passager.",
    ],
    NO_WORKER: [
      "Aucun worker ne répond",
      "Aucun n’a répondu depuis un moment : sans doute aucun ne tourne. Votre liste reste ici ; réessayez quand l’un d’eux sera de retour.",
    ],
    WORKER_UNAVAILABLE: [
      "Le worker n’est pas disponible",
      "Le worker qui a pris la liste n’a pas pu faire son travail. Un autre le pourra peut-être.",
    ],
    SHUTTING_DOWN: [
      "La passerelle s’arrête",
      "On l’arrête ou on la remplace. Une autre prend en général le relais d’un instant à l’autre.",
    ],
    METHOD_UNKNOWN_TO_WORKER: [
      "Le worker ne connaît pas cet appel",
      "La passerelle et les workers sont de versions différentes. Prévenez l’exploitant.",
    ],
    PAYLOAD_LOST: [
      "La liste s’est perdue en route",
      "Elle avait disparu d’Amazon S3 avant qu’un worker ait pu la lire. Un nouvel essai l’envoie à nouveau.",
    ],
    WORKER_FAILED: [
      "Le calcul a échoué",
      "Un worker a pris la liste et n’a pas pu terminer. Si cela se reproduit, signalez-le avec l’identifiant de l’opération.",
    ],
    MALFORMED_REPLY: [
      "La réponse du worker est illisible",
      "La passerelle et le worker sont sans doute de versions différentes. Si cela se reproduit, signalez-le avec l’identifiant de l’opération.",
    ],
    RECORD_UNREADABLE: [
      "L’enregistrement est abîmé",
      "Le journal contient cette opération, mais son enregistrement est illisible.",
    ],
    GATEWAY_FAILED: [
      "La passerelle a échoué",
      "L’erreur vient d’elle. Si cela se reproduit, signalez-le avec l’identifiant de l’opération.",
    ],
    NO_GRPC_ANSWER: [
      "Ce n’était pas la passerelle",
      "Quelque chose entre cette page et la passerelle a répondu à sa place : un proxy, ou une page de connexion. Rechargez la page si vous devez vous connecter.",
    ],
    ANSWER_INCOMPLETE: [
      "La réponse ne contient pas de statistiques",
      "Cette page et la passerelle sont de versions différentes. Rechargez la page, puis réessayez.",
    ],
    ADDRESS_UNREADABLE: [
      "L’adresse de cette page est incorrecte",
      "Elle demande un délai qui n’en est pas un. Écrivez une durée telle que ?timeout=500ms, 5s ou 2m, au plus 15m.",
    ],
    PAGE_FAILED: [
      "Cette page a fait une erreur",
      "L’appel n’a pas abouti. Réessayez ; si cela ne suffit pas, rechargez la page.",
    ],
  },
  codes: {
    [Code.Canceled]: ["L’appel a été annulé", "Il a été interrompu en chemin avant qu’une réponse n’arrive."],
    [Code.Unknown]: ["Un échec sans raison connue", "La passerelle ne dit pas ce qui s’est passé."],
    [Code.InvalidArgument]: [
      "La demande n’a pas été acceptée",
      "Quelque chose n’y est pas comme il faut. Corrigez-le, puis relancez le calcul.",
    ],
    [Code.DeadlineExceeded]: ["Pas de réponse à temps", "Le délai de cet appel s’est écoulé avant la fin."],
    [Code.NotFound]: ["Introuvable", "La passerelle ne connaît pas ce qui a été demandé."],
    [Code.AlreadyExists]: ["Cela existe déjà", "La passerelle a déjà ce que cet appel aurait créé."],
    [Code.PermissionDenied]: [
      "Accès refusé",
      "La passerelle sait qui vous êtes, mais vous n’avez pas ce droit. Un autre jeton l’a peut-être.",
    ],
    [Code.ResourceExhausted]: [
      "Trop à la fois",
      "Le service a autant de travail qu’il en accepte, ou moins de place que cette liste n’en demande.",
    ],
    [Code.FailedPrecondition]: [
      "Impossible pour l’instant",
      "Le service n’est pas dans un état où cet appel peut aboutir.",
    ],
    [Code.Aborted]: ["L’appel a été interrompu", "Un autre appel l’en a empêché."],
    [Code.OutOfRange]: ["Au-delà des limites", "Quelque chose dans la demande dépasse ce que la passerelle accepte."],
    [Code.Unimplemented]: [
      "La passerelle ne connaît pas cet appel",
      "Cette page et la passerelle sont de versions différentes, ou cette adresse n’est pas une passerelle. Rechargez la page.",
    ],
    [Code.Internal]: [
      "Quelque chose a cassé",
      "La passerelle a pris la liste, mais a échoué ensuite. Si cela se reproduit, signalez-le avec l’identifiant de l’opération.",
    ],
    [Code.Unavailable]: [
      "Le service n’est pas disponible",
      "La passerelle démarre ou s’arrête, ou n’atteint pas ce qui est derrière elle. C’est en général passager.",
    ],
    [Code.DataLoss]: [
      "Des données ont été perdues",
      "Quelque chose a été abîmé ou perdu en chemin et ne peut pas être récupéré.",
    ],
    [Code.Unauthenticated]: [
      "Il faut un jeton",
      "La passerelle demande un jeton, et cette page n’en a pas qu’elle accepte.",
    ],
  },
  deadline: (timeout, goesOn) => [
    timeout === undefined ? "Pas de réponse à temps" : `Pas de réponse en ${timeout}`,
    goesOn
      ? "Rien n’est perdu : le travail continue, et son résultat sera dans le journal."
      : "L’appel a été abandonné. Soit les workers sont occupés, soit le chemin vers la passerelle est lent.",
  ],
  unreachable: [
    "La passerelle est injoignable",
    "La connexion a échoué avant qu’une réponse n’arrive. Votre liste reste ici ; réessayez quand la passerelle sera de retour.",
  ],
  offline: [
    "Vous êtes hors ligne",
    "Cet appareil n’a pas de connexion. Votre liste reste ici ; réessayez quand elle sera rétablie.",
  ],
  unknownCode: (code) => [
    "Une erreur que cette page ne connaît pas",
    `La passerelle a répondu avec le code ${code}. Elle est sans doute plus récente que cette page : rechargez la page, puis réessayez.`,
  ],
};
