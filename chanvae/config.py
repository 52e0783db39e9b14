"""What a fit can be told: one small class a choice, unknown keys refused, real defaults."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt


class Config(BaseModel):
    """A frozen choice that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class Optimisation(Config):
    """One run of AdamW under a one-cycle learning rate."""

    steps: PositiveInt = 3500
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
        steps=3000, batch=128, learning_rate=2e-3, average=0.998
    )


class ModelConfig(Config):
    """A conditional variational autoencoder and the prior fitted on its latents."""

    kind: Literal["cvae"] = "cvae"
    network: Annotated[MapNetwork | VectorNetwork, Field(discriminator="kind")] = MapNetwork()
    likelihood: Annotated[
        PathLikelihood | NeighbourLikelihood | GaussianLikelihood, Field(discriminator="kind")
    ] = PathLikelihood()
    prior: FlowMatchingPrior = FlowMatchingPrior()


class TrainingConfig(Config):
    """How a model is trained: the optimisers of its stages, and the weight of the KL."""

    optimisation: Optimisation = Optimisation()
    pose: Optimisation = Optimisation(steps=800, batch=512, learning_rate=3e-3, average=0.99)
    refinement: Optimisation | None = Field(
        default=Optimisation(
            steps=600, epochs=30, learning_rate=1e-3, clip=10, average=0.99, momentum=0
        ),
        description="how the decoder is refined against a critic; null for not",
    )
    beta_first: float = Field(
        default=0.02, ge=0, le=1, description="weight of the KL at the start"
    )
    warmup: float = Field(
        default=0.3, ge=0, le=1, description="share of the steps until the weight is 1"
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


class FitConfig(Config):
    """Everything that decides a fit but the data."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    data: DataConfig = DataConfig()
    seed: int = 0
