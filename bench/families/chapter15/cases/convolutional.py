"""Chapter 15: networks with convolutions that forecast the next ten steps at every position."""

from bench.cases.base import Case, Published, case
from bench.datasets.waves import WavesEveryStep
from bench.families.chapter15.errata import AS_PRINTED, CORRECTED, WHOLE_EPOCHS, erratum
from bench.models.convolutional import ConvGRU, GatedWaveNet, WaveNet
from bench.recipe import Recipe


@case("chapter15/conv_gru")
def conv_gru() -> Case:
    """A convolution of stride 2 before two GRU layers; forecasts at positions 3, 5, ..., 49."""
    return Case(
        dataset=WavesEveryStep(),
        model=ConvGRU(),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="conv + GRU",
        published=Published(
            values={"mse": 0.0186, "last_time_step_mse": 0.0081},
            source="Using One-Dimensional Convolutional Layers to Process Sequences",
            curve="seq2seq_conv_gru",
            note=WHOLE_EPOCHS,
        ),
        errata=(erratum(6, AS_PRINTED),),
    )


@case("chapter15/wavenet")
def wavenet() -> Case:
    """Eight causal convolutions, dilated 1, 2, 4, 8, 1, 2, 4, 8."""
    return Case(
        dataset=WavesEveryStep(),
        model=WaveNet(),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="WaveNet",
        published=Published(
            values={"mse": 0.0207, "last_time_step_mse": 0.0095}, source="WaveNet", curve="wavenet", note=WHOLE_EPOCHS
        ),
    )


@case("chapter15/wavenet_gated_as_printed")
def wavenet_gated_as_printed() -> Case:
    """Gated units and skip connections with both faults, trained for two epochs as printed."""
    return Case(
        dataset=WavesEveryStep(),
        model=GatedWaveNet(activate_twice=True, softmax_head=True),
        recipe=Recipe(learning_rate=0.001, epochs=2, batch_size=32),
        label="gated WaveNet (as printed, 2 epochs)",
        published=Published(
            values={"mse": 0.1217, "last_time_step_mse": 0.1189},
            source="WaveNet",
            curve="wavenet_gated",
            note=WHOLE_EPOCHS,
        ),
        errata=(erratum(3, "as printed, 2 epochs"), erratum(4, "as printed, 2 epochs")),
        faulty=True,
    )


@case("chapter15/wavenet_gated_both_faults")
def wavenet_gated_both_faults() -> Case:
    """Both faults, trained as long as the other networks."""
    return Case(
        dataset=WavesEveryStep(),
        model=GatedWaveNet(activate_twice=True, softmax_head=True),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="gated WaveNet (both faults)",
        errata=(erratum(3, "both faults"), erratum(4, "both faults")),
        faulty=True,
    )


@case("chapter15/wavenet_gated_double_activation")
def wavenet_gated_double_activation() -> Case:
    """The activation applied twice, with a linear head."""
    return Case(
        dataset=WavesEveryStep(),
        model=GatedWaveNet(activate_twice=True, softmax_head=False),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="gated WaveNet (activated twice)",
        errata=(erratum(3, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/wavenet_gated_softmax_head")
def wavenet_gated_softmax_head() -> Case:
    """The softmax head, with the activation applied once."""
    return Case(
        dataset=WavesEveryStep(),
        model=GatedWaveNet(activate_twice=False, softmax_head=True),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="gated WaveNet (softmax head)",
        errata=(erratum(4, AS_PRINTED),),
        faulty=True,
    )


@case("chapter15/wavenet_gated")
def wavenet_gated() -> Case:
    """Neither fault: the activation once and a linear head."""
    return Case(
        dataset=WavesEveryStep(),
        model=GatedWaveNet(activate_twice=False, softmax_head=False),
        recipe=Recipe(learning_rate=0.001, epochs=20, batch_size=32),
        label="gated WaveNet",
        errata=(erratum(3, CORRECTED), erratum(4, CORRECTED)),
    )
