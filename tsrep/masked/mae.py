"""MAE for series (after He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022).

The encoder sees the visible patches only, so a step of training costs a fraction of one at full length. Its outputs,
mask tokens in the places of the hidden patches, and positions go through a light decoder, which is thrown away after
training.

Departures from the paper: positions are counted from the end of the series and there is no class token; the decoder may
attend from mask tokens to visible ones only ("cross"); a patch that is missing is hidden in every step of training,
and is never scored.

Shapes: B series, N patches of P steps, C channels, M visible patches, D width of the encoder, W of the decoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from tsrep.masked.network import Heads, Predicted, inside_frame, shown
from tsrep.masked.patch_network import PatchNetwork
from tsrep.masked.patches import PatchTransformer, position_codes
from tsrep.masked.targets.scaled import ScaledTarget
from tsrep.nn.masking import shuffled, take_tokens, unshuffled
from tsrep.nn.transformer import CrossAttentionBlock, Transformer


class MAEDecoder(nn.Module):
    """Vectors of all patches (B, N, W) from those of the visible ones (B, M, D).

    Parameters
    ----------
    encoder_width, width, depth, n_heads : D and W; blocks and attention heads.
    attention : "self", among all tokens, or "cross", from the mask tokens to the visible ones.
    """

    def __init__(self, encoder_width: int, width: int, depth: int, n_heads: int, attention: str):
        super().__init__()
        self.embed = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.cross = attention == "cross"
        self.width = width
        if self.cross:
            self.blocks = nn.ModuleList(CrossAttentionBlock(width, n_heads, 4) for _ in range(depth))
            self.norm = nn.LayerNorm(width)
        else:
            self.trunk = Transformer(width, depth, n_heads, mlp_ratio=4)

    def forward(self, z: Tensor, known: Tensor | None, restore: Tensor, within: Tensor | None) -> Tensor:
        """
        Parameters
        ----------
        z : (B, M, D), visible patches in the order whose inverse is `restore` (B, N).
        known : (B, M), which of them are visible in each series; None: all.
        within : (B, N), the patches inside their series; None: all.
        """
        visible = self.embed(z)
        place = position_codes(self.width, restore.shape[1], z.device)
        if not self.cross:
            if known is not None:
                visible = torch.where(known.unsqueeze(-1), visible, self.mask_token.to(visible.dtype))
            return self.trunk(unshuffled(visible, self.mask_token, restore) + place, within)
        order = restore.argsort(1)
        memory = visible + place[order[:, : z.shape[1]]]
        keep = None if known is None else (known | ~known.any(1, keepdim=True))[:, None, None]
        x = self.mask_token.to(memory.dtype) + place.expand(len(z), -1, -1)
        for block in self.blocks:
            x = block(x, memory, keep)
        return self.norm(x)


class MAE(PatchNetwork):
    """The asymmetric masked autoencoder on patches of series.

    Parameters
    ----------
    decoder : from visible to all patches.
    encoder, targets, channels, patch_length, window : see `PatchNetwork`.
    """

    full_length = False

    def __init__(
        self,
        encoder: PatchTransformer,
        decoder: MAEDecoder,
        targets: Sequence[ScaledTarget],
        channels: int,
        patch_length: int,
        window: int,
    ):
        super().__init__(encoder, targets, channels, patch_length, window)
        self.decoder = decoder
        self.heads = Heads(decoder.width, targets, per_step=False)

    def predict(self, frame: Tensor, hidden: Tensor, within: Tensor | None = None) -> Predicted:
        """Predictions for all patches of a normalised frame (B, N, P, C) from those that are visible."""
        within = inside_frame(frame) if within is None else within
        patches = shown(frame, hidden)
        visible = (~patches.isnan()).flatten(2).any(2)
        order, restore = shuffled((~visible).to(torch.uint8))
        counts = visible.sum(1)
        m = max(1, int(counts.max()))
        known = None
        if bool((counts < m).any()):
            known = torch.arange(m, device=frame.device) < counts.unsqueeze(1)
        few = take_tokens(patches.flatten(2), order[:, :m]).unflatten(2, patches.shape[2:])
        place = self.encoder.place(frame.shape[1], frame.device)
        z = self.encoder(self.encoder.embedded(few) + place[order[:, :m]], known)
        tokens_within = within.any(2)
        everywhere = (
            None if bool(tokens_within.all()) else tokens_within | ~tokens_within.any(1, keepdim=True)
        )
        counted = torch.ones_like(order[:, :m], dtype=torch.bool) if known is None else known
        return Predicted(self.heads(self.decoder(z, known, restore, everywhere), within), z, counted)

    def layers_of_frame(self, frame: Tensor, within: Tensor) -> Iterator[Tensor]:
        """The blocks' outputs. A missing patch is attended to by none, and its own vector comes from the others."""
        visible = (~frame.isnan()).flatten(2).any(2)
        tokens = self.encoder.embedded(frame) + self.encoder.place(frame.shape[1], frame.device)
        return self.encoder.layers(tokens, None if bool(visible.all()) else visible)
