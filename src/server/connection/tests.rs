use super::super::burst::QUERIES_MAX;
use super::super::responder::echo::Echo;
use super::super::transfer::TransferLimits;
use super::*;
use std::net::Ipv4Addr;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

const LIMITS: TcpLimits = TcpLimits {
    max_connections: 1,
    max_connections_per_address: 1,
    idle_timeout: Duration::from_secs(10),
    read_timeout: Duration::from_secs(2),
    write_timeout: Duration::from_secs(3),
    transfers: TransferLimits { at_once: 1, time: Duration::from_secs(10) },
};

fn shared() -> Shared<Echo> {
    let common = Arc::new(Common::new(Transport::Tcp, Tallies::default(), LIMITS, 2));
    Shared { responder: Arc::new(Echo), counters: Arc::default(), common }
}

/// A connection whose two directions hold `room` octets each.
fn connect(room: usize) -> (DuplexStream, watch::Sender<bool>, JoinHandle<End>) {
    let (client, server) = tokio::io::duplex(room);
    let (stopper, stop) = watch::channel(false);
    let serving = tokio::spawn(async move {
        let shared = shared();
        serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop).await
    });
    (client, stopper, serving)
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(message);
    frame
}

async fn answer(client: &mut DuplexStream) -> Vec<u8> {
    let length = client.read_u16().await.unwrap();
    let mut answer = vec![0; length.into()];
    client.read_exact(&mut answer).await.unwrap();
    answer
}

#[tokio::test(start_paused = true)]
async fn pipelined_queries_are_answered_in_order_and_replies_are_not() {
    let (mut client, _stop, serving) = connect(1 << 20);
    let stream: Vec<u8> = [&b"one"[..], b"!no", b"two", &b"x".repeat(60_000), b"three"].map(frame).concat();
    client.write_all(&stream).await.unwrap();
    client.shutdown().await.unwrap();
    for expected in [&b"tone"[..], b"ttwo"] {
        assert_eq!(answer(&mut client).await, expected);
    }
    assert_eq!(answer(&mut client).await.len(), 60_001);
    assert_eq!(answer(&mut client).await, b"tthree");
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_query_may_come_octet_by_octet() {
    let (mut client, _stop, serving) = connect(64);
    for _ in 0..2 {
        for octet in frame(b"slow") {
            client.write_all(&[octet]).await.unwrap();
            tokio::time::advance(Duration::from_millis(300)).await;
        }
        assert_eq!(answer(&mut client).await, b"tslow");
    }
    drop(client);
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn ends_have_their_causes() {
    // What a client sends before it waits, and how its connection ends after how many seconds.
    for (sent, end, seconds) in [
        (&b""[..], End::Idle, 10),
        (b"\0\x01a", End::Idle, 10),
        (b"\0", End::SlowToSend, 2),
        (b"\xff\xffabc", End::SlowToSend, 2),
        (b"\0\x01a\0\x02b", End::SlowToSend, 2),
        (b"\0\0", End::EmptyFrame, 0),
        (b"\0\x01a\0\0\0\x01a", End::EmptyFrame, 0),
    ] {
        let (mut client, _stop, serving) = connect(1024);
        let start = Instant::now();
        client.write_all(sent).await.unwrap();
        assert_eq!(serving.await.unwrap(), end, "{sent:?}");
        assert_eq!(start.elapsed().as_secs(), seconds, "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn drops_of_octets_do_not_keep_a_message_alive() {
    let (mut client, _stop, serving) = connect(1024);
    client.write_all(&[0, 200]).await.unwrap();
    let start = Instant::now();
    while !serving.is_finished() {
        let _ = client.write_all(b"x").await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(serving.await.unwrap(), End::SlowToSend);
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off() {
    let (mut client, _stop, serving) = connect(1000);
    let start = Instant::now();
    let mut queries = Vec::new();
    for _ in 0..50 {
        queries.extend(frame(b"*900"));
    }
    client.write_all(&queries).await.unwrap();
    assert_eq!(serving.await.unwrap(), End::SlowToRead);
    assert_eq!(start.elapsed().as_secs(), 3);
    assert_eq!(answer(&mut client).await.len(), 900, "what was accepted is whole");
}

#[tokio::test(start_paused = true)]
async fn who_asks_once_does_not_wait_for_who_asks_a_thousand_times() {
    let (mut greedy, _stop, serving_greedy) = connect(1 << 20);
    let (mut modest, _other_stop, serving_modest) = connect(1 << 20);
    greedy.write_all(&frame(b"again").repeat(1000)).await.unwrap();
    modest.write_all(&frame(b"once")).await.unwrap();
    assert_eq!(answer(&mut modest).await, b"tonce");
    let mut answers = vec![0; 1 << 20];
    let octets = greedy.read(&mut answers).await.unwrap();
    assert!(octets < 100 * frame(b"tagain").len(), "{octets} octets of answers before");
    drop((greedy, modest));
    serving_greedy.await.unwrap();
    serving_modest.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_keeps_on_asking_leaves_others_their_turn() {
    let (mut greedy, _stop, serving_greedy) = connect(1 << 20);
    let (mut modest, _other_stop, serving_modest) = connect(1 << 20);
    // Each read brings one query: no input ever has a second one that is complete.
    let query = frame(&[b'a'; INPUT_KEPT - 2]);
    greedy.write_all(&query.repeat(1000)).await.unwrap();
    modest.write_all(&frame(b"once")).await.unwrap();
    assert_eq!(answer(&mut modest).await, b"tonce");
    let mut answers = vec![0; 1 << 20];
    let octets = greedy.read(&mut answers).await.unwrap();
    assert!(octets <= 2 * QUERIES_MAX as usize * (query.len() + 1), "{octets} octets of answers before");
    drop((greedy, modest));
    serving_greedy.await.unwrap();
    serving_modest.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_asks_once_waits_for_one_burst_of_many_that_keep_on_asking() {
    let shared = Arc::new(shared());
    let (_stopper, stop) = watch::channel(false);
    let connect = || {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        let serving = tokio::spawn(async move {
            serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop)
                .await
        });
        (client, serving)
    };
    let mut many = Vec::new();
    for _ in 0..100 {
        let (mut client, serving) = connect();
        client.write_all(&frame(b"again").repeat(5000)).await.unwrap();
        many.push((client, serving));
    }
    let (mut modest, serving) = connect();
    let counters = Arc::clone(&shared.counters);
    // In a task of its own: the test's own future has its turn only after some tens of tasks.
    let asking = tokio::spawn(async move {
        // It has been answered before, and comes again after a while, as resolvers do.
        modest.write_all(&frame(b"once")).await.unwrap();
        assert_eq!(answer(&mut modest).await, b"tonce");
        let mut most = 0;
        for _ in 0..20 {
            yield_now().await;
            let before = counters.read().queries;
            modest.write_all(&frame(b"once")).await.unwrap();
            assert_eq!(answer(&mut modest).await, b"tonce");
            most = most.max(counters.read().queries - before);
        }
        most
    });
    let most = asking.await.unwrap();
    assert!(most <= 10 * u64::from(QUERIES_MAX), "{most} queries of others before");
    drop(many);
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn queries_without_answers_do_not_keep_a_connection_open() {
    let (mut client, _stop, serving) = connect(1024);
    let start = Instant::now();
    while !serving.is_finished() {
        let _ = client.write_all(&frame(b"!")).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(serving.await.unwrap(), End::Idle);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn all_connections_together_have_so_much_memory() {
    let shared = Arc::new(shared());
    let (_stopper, stop) = watch::channel(false);
    let connect = || {
        let (client, server) = tokio::io::duplex(1 << 17);
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        let serving = tokio::spawn(async move {
            serve(server, Begun::default(), Ipv4Addr::LOCALHOST.into(), &shared, &Place::default(), stop)
                .await
        });
        (client, serving)
    };
    // Of messages that never end, as many are kept as the pool has room for; who asks little is answered all along.
    let mut open = Vec::new();
    for _ in 0..1000 {
        let (mut client, serving) = connect();
        client.write_all(&[b"\xff\xff".to_vec(), b"x".repeat(60_000)].concat()).await.unwrap();
        let (mut modest, serving_modest) = connect();
        modest.write_all(&frame(b"little")).await.unwrap();
        assert_eq!(answer(&mut modest).await, b"tlittle");
        drop(modest);
        assert_eq!(serving_modest.await.unwrap(), End::Closed);
        open.push((client, serving));
    }
    let mut ends = Vec::new();
    for (client, serving) in open {
        ends.push(serving.await.unwrap());
        drop(client);
    }
    let kept = ends.iter().filter(|&&end| end == End::SlowToSend).count();
    assert!((400..=600).contains(&kept), "{kept} of 64 KiB each");
    assert_eq!(ends.len() - kept, ends.iter().filter(|&&end| end == End::NoMemory).count());
    let (mut client, serving) = connect();
    client.write_all(&frame(&b"x".repeat(60_000))).await.unwrap();
    assert_eq!(answer(&mut client).await.len(), 60_001, "all of it came back");
    drop(client);
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_while_an_answer_waits() {
    let (mut client, _stop, serving) = connect(1000);
    let mut written = 0;
    let queries = frame(b"*900").repeat(10_000);
    let writing = async {
        loop {
            match client.write(queries.get(written..).unwrap()).await {
                Ok(0) | Err(_) => return written,
                Ok(octets) => written += octets,
            }
        }
    };
    let written = writing.await;
    // One pipe's room of queries, and what is read at once.
    assert!(written <= 1000 + 2 * INPUT_KEPT, "{written}");
    assert_eq!(serving.await.unwrap(), End::SlowToRead);
}

#[tokio::test(start_paused = true)]
async fn answers_of_64_kib_pass_a_narrow_pipe() {
    let (mut client, _stop, serving) = connect(100);
    client.write_all(&frame(b"*65535")).await.unwrap();
    assert_eq!(answer(&mut client).await, vec![b'*'; 65_535]);
    drop(client);
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test(start_paused = true)]
async fn stopping_answers_what_has_arrived() {
    let (mut client, stop, serving) = connect(1024);
    client.write_all(&[frame(b"whole"), b"\0\x04ha".to_vec()].concat()).await.unwrap();
    assert_eq!(answer(&mut client).await, b"twhole");
    stop.send(true).unwrap();
    client.write_all(b"lf").await.unwrap();
    assert_eq!(answer(&mut client).await, b"thalf");
    assert_eq!(serving.await.unwrap(), End::Stopped);

    // What was on its way is answered, but nobody keeps the server from stopping by asking on.
    let (mut client, stop, serving) = connect(1024);
    stop.send(true).unwrap();
    let start = Instant::now();
    let mut answers = 0;
    while client.write_all(&frame(b"late")).await.is_ok() && client.read_u16().await.is_ok() {
        assert_eq!(client.read_u8().await.unwrap(), b't');
        client.read_exact(&mut [0; 4]).await.unwrap();
        answers += 1;
        tokio::time::sleep(LAST_LOOK / 4).await;
    }
    assert_eq!(serving.await.unwrap(), End::Stopped);
    assert!((1..=5).contains(&answers) && start.elapsed() <= 2 * LAST_LOOK, "{answers}");
}

#[test]
fn input_grows_with_what_arrives_up_to_one_message() {
    let mut input = Vec::new();
    for capacity in [1, 2, 4, 8, 16, 32, 64].map(|times| times * INPUT_KEPT).into_iter().chain([FRAME_MAX]) {
        make_room(&mut input);
        assert_eq!(input.capacity(), capacity);
        make_room(&mut input);
        assert_eq!(input.capacity(), capacity, "there was room");
        input.resize(capacity, 0);
    }
}
