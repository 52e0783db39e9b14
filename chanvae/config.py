"""What a fit can be told: one small class a choice, unknown keys refused, real defaults."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)


class Config(BaseModel):
    """A frozen choice that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _kind(kind: str) -> BeforeValidator:
    """The kind that is meant where none is named."""
    return BeforeValidator(lambda told: {"kind": kind, **told} if isinstance(told, dict) else told)


class MapNetwork(Config):
    """Convolutions over a map of local latents, one vector a patch of the angle-delay map."""

    kind: Literal["map"] = "map"
    latent: PositiveInt = Field(default=8, description="latent channels at each place of the map")
    width: PositiveInt = Field(default=64, multiple_of=8, description="channels of the networks")
    encoder_blocks: PositiveInt = 3
    decoder_blocks: PositiveInt = 4
    patch: PositiveInt = Field(default=4, description="bins of a patch along each axis")


class VectorNetwork(Config):
    """The same convolutions around one latent vector for the whole map."""

    kind: Literal["vector"] = "vector"
    latent: PositiveInt = Field(default=64, description="length of the latent vector")
    width: PositiveInt = Field(default=32, multiple_of=8, description="channels of the networks")
    blocks: PositiveInt = 2
    encoder_blocks: NonNegativeInt = Field(
        default=0, description="blocks of the encoder; 0 for as many as the decoder has"
    )
    hidden: PositiveInt = Field(
        default=256, description="width of the layer that unfolds the latent"
    )
    patch: PositiveInt = Field(default=4, description="bins of a patch along each axis")


class NeighbourLikelihood(Config):
    """Complex Gaussian bins predicted from their neighbours one before along each axis."""

    kind: Literal["neighbours"] = "neighbours"
    mean: Literal["peak", "everywhere"] = "peak"
    floor_db: float = Field(
        default=-45.0, description="least variance, relative to the mean bin power"
    )


class PathLikelihood(Config):
    """Paths that stand between the bins, over independent complex Gaussian bins."""

    kind: Literal["paths"] = "paths"
    mean: Literal["peak", "everywhere"] = "peak"
    floor_db: float = Field(
        default=-45.0, description="least variance, relative to the mean bin power"
    )
    quiet_db: float = Field(
        default=-6.0, description="variance of a bin that draws leave out: leakage of other paths"
    )
    paths: PositiveInt = Field(default=64, description="paths of a realisation, at most")
    reach: PositiveFloat = Field(default=0.75, description="bins a path may stand from its own")


class GaussianLikelihood(Config):
    """Independent complex Gaussian bins with mean and variance."""

    kind: Literal["gaussian"] = "gaussian"
    mean: Literal["peak", "everywhere"] = "peak"
    floor_db: float = Field(
        default=-45.0, description="least variance, relative to the mean bin power"
    )


class SquaredErrorLikelihood(Config):
    """Squared error: a Gaussian of known variance, whose mean is what is drawn."""

    kind: Literal["mse"] = "mse"
    noise_db: float = Field(
        default=-20.0, description="variance of the errors, relative to the mean bin power"
    )


class CrossEntropyLikelihood(Config):
    """Binary cross-entropy of values in 0 to 1, from probabilities or from their logits."""

    kind: Literal["bce", "bce_logits"] = "bce"


Likelihood = Annotated[
    PathLikelihood
    | NeighbourLikelihood
    | GaussianLikelihood
    | SquaredErrorLikelihood
    | CrossEntropyLikelihood,
    Field(discriminator="kind"),
]
OF_QUANTITY = {
    "complex": ("paths", "neighbours", "gaussian", "mse"),
    "power": ("gaussian", "mse", "bce", "bce_logits"),
}
"""What is modelled -> the likelihoods that can take it."""


class Optimisation(Config):
    """One run of AdamW under a one-cycle learning rate."""

    steps: PositiveInt = 1900
    epochs: PositiveInt = Field(default=60, description="passes over the data, at most")
    batch: PositiveInt = 64
    learning_rate: PositiveFloat = 3e-3
    clip: PositiveFloat = Field(default=1.0, description="largest gradient norm")
    average: float = Field(
        default=0.0, ge=0, lt=1, description="decay of the weight average; 0 for none"
    )
    momentum: float = Field(default=0.9, ge=0, lt=1, description="first beta of AdamW")
    patience: PositiveInt = Field(
        default=8, description="validations without a better one before the end"
    )


class FlowMatchingPrior(Config):
    """Flow matching over the latent map or vector."""

    kind: Literal["flow_matching"] = "flow_matching"
    width: PositiveInt = Field(default=48, multiple_of=8)
    blocks: PositiveInt = 5
    midpoint_steps: PositiveInt = Field(default=1, description="two network evaluations each")
    optimisation: Optimisation = Optimisation(
        steps=1500, batch=128, learning_rate=2e-3, average=0.998
    )


class SplinePrior(Config):
    """A conditional spline flow over the latents, laid out as one vector."""

    kind: Literal["spline"] = "spline"
    transforms: PositiveInt = 3
    hidden: PositiveInt = 128
    optimisation: Optimisation = Optimisation(
        steps=2000, batch=256, learning_rate=2e-3, average=0.99
    )


class MixturePrior(Config):
    """A mixture of Gaussians whose weights depend on the context."""

    kind: Literal["mixture"] = "mixture"
    components: PositiveInt = 64
    optimisation: Optimisation = Optimisation(
        steps=2000, batch=256, learning_rate=1e-2, average=0.99
    )


class VampPrior(Config):
    """The mixture of the posteriors of learned pseudo-inputs, trained within the bound."""

    kind: Literal["vamp"] = "vamp"
    pseudo_inputs: PositiveInt = 64


class StandardPrior(Config):
    """N(0, I), as the bound assumes it."""

    kind: Literal["standard"] = "standard"


class CodePrior(Config):
    """A recurrent network that draws one code word after the other."""

    kind: Literal["codes"] = "codes"
    width: PositiveInt = 128
    optimisation: Optimisation = Optimisation(
        steps=3000, batch=128, learning_rate=3e-3, average=0.99
    )


DensityPrior = Annotated[
    FlowMatchingPrior | SplinePrior | MixturePrior,
    Field(discriminator="kind"),
    _kind("flow_matching"),
]
AnyPrior = Annotated[
    FlowMatchingPrior | SplinePrior | MixturePrior | VampPrior | StandardPrior,
    Field(discriminator="kind"),
    _kind("flow_matching"),
]


class LatentModel(Config):
    """What all models with latents share: networks, and what of a map is modelled and how."""

    quantity: Literal["complex", "power"] = Field(
        default="complex",
        description="coefficients, or powers in 0 to 1 whose phases are drawn at random",
    )
    network: Annotated[MapNetwork | VectorNetwork, Field(discriminator="kind")] = MapNetwork()
    likelihood: Likelihood = PathLikelihood()

    @model_validator(mode="after")
    def _suited(self) -> Self:
        """Refuse a likelihood that cannot take what is modelled."""
        choices = OF_QUANTITY[self.quantity]
        if self.likelihood.kind in choices:
            return self
        what = {"complex": "complex coefficients", "power": "powers in 0 to 1"}[self.quantity]
        other = "power" if self.quantity == "complex" else "complex"
        raise ValueError(
            f"the likelihood {self.likelihood.kind} cannot take {what}: choose "
            f"model.likelihood.kind of {', '.join(choices)}, or model.quantity={other}"
        )


class Selection(Config):
    """Which draws are kept: those that are as likely in the data as among the draws."""

    draws: float = Field(
        default=8.0,
        gt=1,
        description="draws for one that is kept, on average, at most; fewer where they do as well "
        "and where spreads are met",
    )
    realisations: PositiveInt = Field(
        default=40_000, description="of measured and of drawn channels to learn from, at most"
    )
    met: NonNegativeInt = Field(
        default=20_000,
        description="the same for draws whose spreads are met, which cost more; 0 keeps them all",
    )
    optimisation: Optimisation = Optimisation(
        steps=5000, epochs=400, batch=512, learning_rate=2e-3, average=0.99
    )


def _asked(told: object) -> object:
    """Runs of before may say ``always``: spreads are met where they are asked for now."""
    return "asked" if told == "always" else told


class ModelConfig(LatentModel):
    """A conditional variational autoencoder and the prior fitted on its latents."""

    kind: Literal["cvae"] = "cvae"
    prior: AnyPrior = FlowMatchingPrior()
    beta: PositiveFloat = Field(default=1.0, description="weight of the KL in the end")
    meet: Annotated[Literal["asked", "never"], BeforeValidator(_asked)] = Field(
        default="asked",
        description="when draws are changed until they have the spreads of their conditions",
    )
    reading: float = Field(
        ge=0,
        default=0.3,
        description="weight of what a linear layer cannot read of the conditions in the latent; "
        "0: the encoder is told them",
    )
    selection: Selection | None = Field(
        default=Selection(),
        description="keep the draws that measured channels could be; null for all",
    )


class VaeConfig(LatentModel):
    """A variational autoencoder that is told no conditions."""

    kind: Literal["vae"] = "vae"
    prior: AnyPrior = FlowMatchingPrior()


class BetaVaeConfig(LatentModel):
    """The same with a KL of more weight."""

    kind: Literal["beta_vae"] = "beta_vae"
    prior: AnyPrior = FlowMatchingPrior()
    beta: PositiveFloat = Field(default=4.0, description="weight of the KL in the end")


class AutoencoderConfig(LatentModel):
    """A code of no width, and a density fitted on the codes."""

    kind: Literal["autoencoder"] = "autoencoder"
    prior: DensityPrior = FlowMatchingPrior()


class DenoisingConfig(LatentModel):
    """An autoencoder that is shown noise beside the map."""

    kind: Literal["denoising"] = "denoising"
    prior: DensityPrior = FlowMatchingPrior()
    noise_db: float = Field(default=-10.0, description="noise, relative to the mean bin power")


class SparseConfig(LatentModel):
    """An autoencoder whose codes have few entries."""

    kind: Literal["sparse"] = "sparse"
    prior: DensityPrior = FlowMatchingPrior()
    share: float = Field(default=0.25, gt=0, le=1, description="share of a code that is not 0")


class VqvaeConfig(LatentModel):
    """Latents of code words, and a network that draws them."""

    kind: Literal["vqvae"] = "vqvae"
    prior: CodePrior = CodePrior()
    codes: PositiveInt = Field(default=512, description="words of the codebook")
    word: PositiveInt = Field(default=8, description="latents of a word, at most")
    decay: float = Field(default=0.98, ge=0, lt=1, description="of the average of a word")
    commitment: PositiveFloat = Field(default=0.25, description="weight of the way to the word")


class HvaeConfig(LatentModel):
    """Two levels of latents, drawn from the top down."""

    kind: Literal["hvae"] = "hvae"
    prior: Annotated[
        FlowMatchingPrior | SplinePrior | MixturePrior | StandardPrior,
        Field(discriminator="kind"),
        _kind("flow_matching"),
    ] = FlowMatchingPrior()
    beta: PositiveFloat = Field(default=1.0, description="weight of the KL in the end")
    top: PositiveInt = Field(default=32, description="length of the upper latent vector")


class WganConfig(Config):
    """A Wasserstein GAN with gradient penalty."""

    kind: Literal["wgan"] = "wgan"
    network: VectorNetwork = VectorNetwork()
    critic_steps: PositiveInt = Field(default=5, description="critic's steps a generator's step")
    penalty: PositiveFloat = Field(default=10.0, description="weight of the critic's slope")
    optimisation: Optimisation = Optimisation(
        steps=5000, learning_rate=5e-4, clip=10, average=0.99, momentum=0
    )


class _Transport(Config):
    """The network of a rival that leads noise to maps step by step."""

    width: PositiveInt = Field(default=64, multiple_of=8, description="channels of the network")
    blocks: PositiveInt = 5
    patch: PositiveInt = Field(default=2, description="bins of a patch along each axis")
    optimisation: Optimisation = Optimisation(
        steps=5000, batch=128, learning_rate=2e-3, average=0.998
    )


class DdpmConfig(_Transport):
    """Denoising diffusion of the maps themselves."""

    kind: Literal["ddpm"] = "ddpm"
    levels: PositiveInt = Field(default=1000, description="noise levels in training")
    sampler: Literal["ddpm", "ddim"] = "ddpm"
    steps: PositiveInt = Field(default=100, description="network evaluations of a draw")

    @model_validator(mode="after")
    def _no_more_steps_than_levels(self) -> Self:
        if self.steps > self.levels:
            raise ValueError(
                f"{self.steps} steps of {self.levels} levels: ask for at most as many "
                "model.steps as model.levels"
            )
        return self


class FlowMatchingConfig(_Transport):
    """Flow matching of the maps themselves."""

    kind: Literal["flow_matching"] = "flow_matching"
    midpoint_steps: PositiveInt = Field(default=5, description="two network evaluations each")


class GmmConfig(Config):
    """A complex Gaussian mixture of the maps, its weights given the conditions."""

    kind: Literal["gmm"] = "gmm"
    components: PositiveInt = 64
    fitted_on: PositiveInt = Field(default=10_000, description="maps the components see, at most")
    optimisation: Optimisation = Optimisation(
        steps=1000, batch=256, learning_rate=3e-3, average=0.99
    )


Rival = WganConfig | DdpmConfig | FlowMatchingConfig | GmmConfig


class TrainingConfig(Config):
    """How a model is trained: the optimisers of its stages, and the weight of the KL."""

    optimisation: Optimisation = Optimisation()
    pose: Optimisation = Optimisation(steps=800, batch=512, learning_rate=3e-3, average=0.99)
    refinement: Optimisation | None = Field(
        default=Optimisation(
            steps=1900, epochs=30, learning_rate=1e-3, clip=10, average=0.99, momentum=0
        ),
        description="how the decoder is refined against a critic; null for not",
    )
    sixteen_bits: bool = Field(
        default=True,
        description="train convolutions in bfloat16 where the processor has instructions for it",
    )
    beta_first: float = Field(
        default=0.02, ge=0, le=1, description="weight of the KL at the start"
    )
    warmup: float = Field(
        default=0.3, ge=0, le=1, description="share of the steps until the weight is 1"
    )
    annealing: Literal["warmup", "cyclic"] = Field(
        default="warmup", description="the weight rises once, or anew in every cycle"
    )
    cycles: PositiveInt = Field(default=4, description="cycles of cyclic annealing")
    seconds: float = Field(
        default=0.0, ge=0, description="time that steps are fitted into; 0 for as they are"
    )
    clock: Literal["wall", "cpu"] = Field(
        default="wall", description="what seconds are of; cpu where others use the cores too"
    )
    free_bits: float = Field(
        default=0.0, ge=0, description="nats a latent may hold at no cost, mean over a batch"
    )


class DataConfig(Config):
    """Which conditions and groups of the data are used, and how it is parted."""

    conditions: tuple[str, ...] = Field(default=(), description="labels used beside the spreads")
    group: str = Field(default="", description="group that keeps the parts apart; random for none")
    split: str = Field(
        default="",
        description="group:NAME, hole:CONDITION=LOW..HIGH, time:SHARE or random; empty: by group",
    )
    validation: float = Field(default=0.1, gt=0, lt=0.5)
    test: float = Field(default=0.1, gt=0, lt=0.5)
    memory_gib: PositiveFloat = Field(
        default=4.0, description="training maps larger than this are read from the file as needed"
    )


AnyModel = Annotated[
    ModelConfig
    | VaeConfig
    | BetaVaeConfig
    | AutoencoderConfig
    | DenoisingConfig
    | SparseConfig
    | VqvaeConfig
    | HvaeConfig
    | Rival,
    Field(discriminator="kind"),
    _kind("cvae"),
]


class FitConfig(Config):
    """Everything that decides a fit but the data."""

    model: AnyModel = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    data: DataConfig = DataConfig()
    seed: int = 0
