"""One round of SSGAN's game (Miao et al., AAAI 2021): classifier, generator, discriminator, in this order.

The generator completes the series once. The classifier is trained on the labels of the completed series. The generator
minimises its reconstruction loss, the adversarial loss (the discriminator should take imputed entries for observed
ones) and the classifier's loss. Then the discriminator is trained for several steps on the same completed series, with
a new reminder in each.

Settings of the paper, as quoted by others: adversarial weight 5, five discriminator steps per generator step, reminder
rate 0.8, and five epochs of training the classifier alone beforehand (`ClassifierPretraining`). The full text was not
available; this is a reconstruction from the abstract, the authors' code and two ports.

Departures:
- In the authors' code "real" and "fake" are one dict, and the generator gets no gradient from the other two networks.
  Here the generator's update uses the completed series itself, the other updates use it detached; tests verify both.
- Observed values can be hidden from the generator, anew in each batch, and count in its reconstruction loss
  (`hide_rate`). For the discriminator they are imputed entries.
- The discriminator is trained on the completed series of the generator's update, not on a second imputation.

Shapes: B instances, T steps, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from tsrep.ssgan.generator import Generator, filled
from tsrep.ssgan.hiding import hide
from tsrep.ssgan.loss import UNLABELLED, adversarial_loss, classifier_loss, discriminator_loss
from tsrep.ssgan.reminder import draw_reminder
from tsrep.train.batches import take
from tsrep.train.cuda_graph import Captured, capturable
from tsrep.train.optimised import Optimised, frozen, with_prefix
from tsrep.train.processes import ALONE, Processes

if TYPE_CHECKING:
    from lightning.fabric import Fabric

SCALARS = ("loss", "reconstruction", "adversarial", "label", "discriminator", "classifier")


class Batch(NamedTuple):
    """A batch of series for the game.

    Attributes
    ----------
    values : (B, T, C), 0 where not observed.
    observed : (B, T, C), True where a value was observed; False outside.
    times : (B, T), time stamps in units of the median step, non-decreasing.
    labels : (B,), class numbers, -1 for unlabelled.
    inside : (B, T), False where a step is padding at either end; None: all inside.
    beyond : (B, 2, 2, C), for windows of longer series, the nearest observations outside, see `tsrep.ssgan.beyond`;
        None: whole series.
    """

    values: Tensor
    observed: Tensor
    times: Tensor
    labels: Tensor
    inside: Tensor | None = None
    beyond: Tensor | None = None


class SSGANStep:
    """One generator step, with the classifier's step before it and the discriminator's steps after it.

    Parameters
    ----------
    generator : a module that is a `tsrep.ssgan.generator.Generator`.
    discriminator : a `Discriminator`, or None: no adversarial loss.
    classifier : one of `tsrep.ssgan.classifier`, or None: labels are ignored.
    lr : learning rate of the three optimisers.
    randomness : draws hidden entries and reminders; its state is part of the step's.
    fabric : device and precision.
    adversarial_weight, classifier_weight : weights of these terms in the generator's loss.
    discriminator_steps : number of discriminator updates after each generator update.
    reminder_rate : probability that the discriminator is told an entry of the mask; 0 is no reminder.
    hide_rate : probability that an observed value is hidden from the generator; 0 hides nothing.
    borrow_rate : probability that a series is hidden where another one has gaps instead, see `hiding`.
    weight_decay, max_norm : of the generator's optimiser, see `Optimised`.
    processes : that train together, each called with the same batches. What is hidden and told is drawn for the whole
        batch, and each process plays with its rows. A loss is the mean of the processes' losses: each of them counts
        the same, also where the rows of one have fewer observed values or labels than those of another.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        classifier: nn.Module | None,
        *,
        lr: float,
        randomness: torch.Generator,
        fabric: Fabric,
        adversarial_weight: float = 5.0,
        classifier_weight: float = 1.0,
        discriminator_steps: int = 5,
        reminder_rate: float = 0.8,
        hide_rate: float = 0.0,
        borrow_rate: float = 0.0,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        processes: Processes = ALONE,
    ):
        optimised = partial(Optimised, lr=lr, fabric=fabric, processes=processes)
        self.generator = optimised(generator, weight_decay=weight_decay, max_norm=max_norm)
        self.discriminator = None if discriminator is None else optimised(discriminator)
        self.classifier = None if classifier is None else optimised(classifier)
        self.processes = processes
        self.randomness = randomness
        self.fabric = fabric
        self.adversarial_weight = adversarial_weight
        self.classifier_weight = classifier_weight
        self.discriminator_steps = discriminator_steps
        self.reminder_rate = reminder_rate
        self.hide_rate = hide_rate
        self.borrow_rate = borrow_rate
        self._prepare_play()

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        """Updates all networks and returns their losses, detached.

        "loss" is the total loss of the generator; "reconstruction", "adversarial" and "label" are its terms.
        "classifier" and "discriminator" are the losses of those networks, the latter a mean over its updates. A loss
        that does not apply is 0: a batch without labels does not update the classifier.
        """
        hidden = hide(batch.observed, self.hide_rate, self.borrow_rate, self.randomness, batch.inside)
        reminders = self._reminders(batch.observed & ~hidden)
        labelled = self.classifier is not None and _has_labels(batch)
        rows = self.processes.rows(len(batch.values))
        batch, hidden = self._own(batch), hidden[rows]
        reminders = reminders[:, rows] if len(reminders) else reminders
        tensors = (batch.values, batch.observed, batch.times, batch.labels, hidden, reminders)
        scalars = self.processes.mean(self._plays[labelled](*tensors, *_given(batch)))
        return dict(zip(SCALARS, scalars.unbind(), strict=True))

    def _play(
        self,
        labelled: bool,
        values: Tensor,
        observed: Tensor,
        times: Tensor,
        labels: Tensor,
        hidden: Tensor,
        reminders: Tensor,
        inside: Tensor | None = None,
        beyond: Tensor | None = None,
    ) -> Tensor:
        """The `SCALARS` of one round on one device, without host synchronisation.

        `hidden` (B, T, C) and `reminders` (1 + discriminator steps, B, T, C) were drawn beforehand.
        """
        classifier = self.classifier if labelled else None
        shown = observed & ~hidden
        imputation = self.generator.forward(values.masked_fill(hidden, 0.0), shown, times, inside, beyond)
        completed = filled(values, shown, imputation.estimate)
        detached = completed.detach()  # for the updates of the other two networks
        scalars = dict.fromkeys(SCALARS, values.new_zeros(()))

        if classifier is not None:
            loss = classifier_loss(classifier.forward(detached, inside), labels)
            scalars["classifier"] = classifier.descend(loss)

        network = cast(Generator, self.generator.network)
        loss = reconstruction = network.reconstruction(imputation, values, observed, hidden, inside)
        scalars["reconstruction"] = reconstruction.detach()
        with frozen(self.discriminator, classifier):
            if self.discriminator is not None:
                logits = self.discriminator.forward(completed, reminders[0], times, inside)
                adversarial = adversarial_loss(logits, shown, inside)
                loss = loss + self.adversarial_weight * adversarial
                scalars["adversarial"] = adversarial.detach()
            if classifier is not None:
                label = classifier_loss(classifier.forward(completed, inside), labels)
                loss = loss + self.classifier_weight * label
                scalars["label"] = label.detach()
        scalars["loss"] = self.generator.descend(loss)

        if self.discriminator is not None:
            for reminder in reminders[1:]:
                logits = self.discriminator.forward(detached, reminder, times, inside)
                loss = self.discriminator.descend(discriminator_loss(logits, shown, inside))
                scalars["discriminator"] = scalars["discriminator"] + loss / self.discriminator_steps
        return torch.stack([scalars[name] for name in SCALARS])

    def pretrain_classifier(self, batch: Batch) -> dict[str, Tensor]:
        """Updates the classifier alone, on series completed by the generator in its present state."""
        scalars = {"classifier": torch.zeros(())}
        if self.classifier is None or not _has_labels(batch):
            return scalars
        batch = self._own(batch)
        values, observed, times, labels, inside, beyond = self.fabric.to_device(batch)
        with torch.no_grad():
            imputation = self.generator.forward(values, observed, times, inside, beyond)
        completed = filled(values, observed, imputation.estimate)
        loss = classifier_loss(self.classifier.forward(completed, inside), labels)
        return {"classifier": self.processes.mean(self.classifier.descend(loss))}

    def _own(self, batch: Batch) -> Batch:
        """The rows of this process."""
        return take(batch, self.processes.rows(len(batch.values)))

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on: weights, moments, and the state of `randomness`."""
        players = self._players().items()
        state = {
            f"{role}.{name}": value for role, player in players for name, value in player.state().items()
        }
        state["randomness"] = self.randomness.get_state()
        return state

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continues from `state`."""
        for role, player in self._players().items():
            player.load_state(with_prefix(f"{role}.", state))
        self.randomness.set_state(state["randomness"].cpu())
        self._prepare_play()  # the optimisers have other tensors now

    def _players(self) -> dict[str, Optimised]:
        everyone = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "classifier": self.classifier,
        }
        return {role: player for role, player in everyone.items() if player is not None}

    def _reminders(self, shown: Tensor) -> Tensor:
        """One reminder for the generator's update and one per discriminator update; none without a discriminator."""
        updates = 0 if self.discriminator is None else 1 + self.discriminator_steps
        drawn = [draw_reminder(shown, self.reminder_rate, self.randomness) for _ in range(updates)]
        return torch.stack(drawn) if drawn else torch.empty(0)

    def _prepare_play(self) -> None:
        """Sets the round with labels and without, captured as CUDA graphs on a CUDA device."""
        self._plays = {labelled: self._on_device(partial(self._play, labelled)) for labelled in (False, True)}

    def _on_device(self, play: Callable[..., Tensor]) -> Callable[..., Tensor]:
        if self.processes.count == 1 and capturable(self.fabric):
            return Captured(play, self.fabric.device)
        return lambda *tensors: play(*self.fabric.to_device(tensors))


class ClassifierPretraining:
    """The step that trains the classifier alone, before the game; it shares the networks and the state of the game."""

    def __init__(self, game: SSGANStep):
        self.game = game

    def __call__(self, batch: Batch) -> dict[str, Tensor]:
        return self.game.pretrain_classifier(batch)

    def state(self) -> dict[str, Tensor]:
        return self.game.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.game.load_state(state)


def _given(batch: Batch) -> tuple[Tensor, ...]:
    """`inside` and `beyond`, as far as the batch has them: a captured round takes tensors only."""
    if batch.beyond is None:
        return () if batch.inside is None else (batch.inside,)
    inside = torch.ones_like(batch.times, dtype=torch.bool) if batch.inside is None else batch.inside
    return inside, batch.beyond


def _has_labels(batch: Batch) -> bool:
    return bool((batch.labels != UNLABELLED).any())
