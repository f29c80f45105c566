package main

import (
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd serves one member on a loopback port until it is told to stop. Nothing is forced to disk: the data of a
// test need not outlive the machine, and waiting for a slow disk is what makes small clusters slow.
func runEtcd(args []string) int {
	if len(args) != 2 {
		fmt.Fprintf(os.Stderr, "usage: etcd FOLDER PORT, got %d arguments\n", len(args))
		return 2
	}
	config := embed.NewConfig()
	config.Dir = args[0]
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	clients := []url.URL{{Scheme: "http", Host: "127.0.0.1:" + args[1]}}
	peers := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-stop:
		server.Close()
		return 0
	case err := <-server.Err():
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
}
