//! Private inference of the shipped networks, from samples to revealed logits: two parties and a dealer, a thread
//! each. An iteration is one evaluation of an open session (`offline` and `online`); weights are opened before.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::ArrayD;
use tacita::onnx::{ImportOptions, import};
use tacita::{Link, Options, Session};

fn inference(c: &mut Criterion) {
    let mut group = c.benchmark_group("inference");
    group.sample_size(20);
    for (network, shape) in [("lenet", vec![32, 1, 28, 28]), ("mlp", vec![128, 784])] {
        let path = format!("{}/../../../models/{network}.onnx", env!("CARGO_MANIFEST_DIR"));
        let model = import(path.as_ref(), &ImportOptions::default()).expect("a shipped network");
        let mut inputs = model.parameters.clone();
        let mut shape = shape;
        if model.input_shape.len() == 4 {
            shape = vec![shape[0], 1, 28, 28];
        }
        let batch = shape[0];
        inputs.insert(model.input.clone(), ArrayD::from_elem(shape, 0.5));
        for link in [Link::Memory, Link::Loopback] {
            let options = Options { link, ..Options::default() };
            let session = Session::with_options(options).expect("a local session");
            let prepared = session
                .prepare(&model.of_batch(batch).expect("a batch"))
                .expect("a shipped network can be run");
            group.bench_with_input(BenchmarkId::new(network, link), &inputs, |b, inputs| {
                b.iter(|| session.evaluate(&prepared, inputs, &mut |_| ()).expect("an evaluation"));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, inference);
criterion_main!(benches);
